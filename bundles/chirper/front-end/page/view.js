// Making elements. Text goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function show(element, isShown) {
  element.hidden = !isShown;
}

export function tell(element, text) {
  element.textContent = text;
  show(element, Boolean(text));
}

// A circle with the first letter; its colour follows from the name.
export function paintFace(face, id, name) {
  let hue = 0;
  for (const letter of id) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  face.style.setProperty("--hue", String(hue));
  face.textContent = Array.from(name || id)[0] ?? "?";
}

export function face(id, name) {
  const circle = make("span", { class: "face", "aria-hidden": "true" });
  paintFace(circle, id, name);
  return circle;
}

export function chirpItem(chirp, name) {
  const time = make("time", { class: "soft small", datetime: new Date(chirp.at).toISOString() });
  time.textContent = ago(chirp.at);
  const head = make("div", { class: "head" },
    make("strong", {}, name || chirp.user), make("span", { class: "soft small id" }, `@${chirp.user}`), time);
  const item = make("li", { class: "chirp" },
    face(chirp.user, name), make("div", { class: "body" }, head, make("p", {}, chirp.text)));
  item.dataset.id = chirp.id;
  return item;
}

export function personItem(person, follows, onPress) {
  const press = make("button", { type: "button", "aria-pressed": String(follows) }, follows ? "Following" : "Follow");
  press.setAttribute("aria-label", `${follows ? "Stop following" : "Follow"} ${person.name}`);
  press.addEventListener("click", () => onPress(press));
  const item = make("li", { class: "person" }, face(person.id, person.name),
    make("div", { class: "who" }, make("strong", {}, person.name), make("span", { class: "soft small" }, `@${person.id}`)),
    press);
  item.dataset.user = person.id;
  return item;
}

export function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1000));
  if (seconds < 10) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short" });
}
