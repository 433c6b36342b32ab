// Elements of the page.

export const $ = (id) => document.getElementById(id);

export const element = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

// Returns a button; `label` says what it does.
export function button(text, label, press) {
  const made = Object.assign(element("button", text), { type: "button", title: label });
  made.setAttribute("aria-label", label);
  made.addEventListener("click", press);
  return made;
}

export const signed = (number) => (Number(number) > 0 ? `+${Number(number)}` : `${Number(number)}`.replace("-", "−"));
