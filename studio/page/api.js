// Requests to the server, which is on this machine. An answer that is not good is an Error with the server's sentence.

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer; start musae studio again, then reload this page.");
  }
  if (answer.ok) return answer;
  if (answer.status === 413) throw new Error("The file has more than 2 MB; leave out tracks.");
  const { error } = await answer.json().catch(() => ({ error: "The server has failed; see its window." }));
  throw Object.assign(new Error(error), { status: answer.status });
}

const post = async (path, body) =>
  (await ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();

export const model = async () => (await ask("/api/model")).json();
export const soundFont = async () => (await ask("/soundfont")).arrayBuffer();
export const open = async (file) =>
  (await ask(`/api/songs?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file })).json();
export const midi = async (song) => (await ask(`/api/songs/${song}`)).arrayBuffer();
export const wav = async (song) => (await ask(`/api/songs/${song}/wav`)).arrayBuffer();
export const describe = (song, selection) => post(`/api/songs/${song}/describe`, selection);
export const edit = (song, request) => post(`/api/songs/${song}/edit`, request);
export const vary = (song, request) => post(`/api/songs/${song}/vary`, request);
export const interpolate = (song, second, request) => post(`/api/songs/${song}/interpolate/${second}`, request);
