// The page: who is here, what they say, and what you do about it.

import * as api from "./api.js";
import { listen } from "./live.js";
import { $, ago, chirpItem, make, paintFace, personItem, show, tell } from "./view.js";

const LETTERS_MAX = 280;
const PEOPLE_EVERY_MS = 4_000;
const CLOCK_EVERY_MS = 15_000;
const STORED = "chirper.user";

let me = null;
let people = new Map();
let hangUp = null;
const chirps = new Map();

start();

async function start() {
  $("enter").addEventListener("submit", enter);
  $("leave").addEventListener("click", leave);
  $("compose").addEventListener("submit", say);
  $("text").addEventListener("input", measure);
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("compose").requestSubmit();
  });
  $("find").addEventListener("input", drawPeople);
  $("older").addEventListener("click", older);
  for (const tab of $("tabs").children) tab.addEventListener("click", () => choose(tab.dataset.tab));
  api.onSeen(drawServed);
  setInterval(drawTimes, CLOCK_EVERY_MS);
  setInterval(() => me && !document.hidden && loadPeople(), PEOPLE_EVERY_MS);

  const stored = localStorage.getItem(STORED);
  if (!stored) return welcome();
  try {
    home(await api.user(stored));
  } catch (error) {
    if (error.status === 404) localStorage.removeItem(STORED);
    welcome(error.status === 404 ? "" : error.message);
  }
}

function welcome(message = "") {
  show($("home"), false);
  show($("tabs"), false);
  show($("line"), false);
  show($("welcome"), true);
  tell($("enter-error"), message);
  $("id").focus();
}

async function enter(event) {
  event.preventDefault();
  const id = $("id").value.trim().replace(/^@/, "").toLowerCase();
  $("enter-button").disabled = true;
  tell($("enter-error"), "");
  try {
    home(await signUpOrBack(id, $("name").value.trim()));
  } catch (error) {
    tell($("enter-error"), error.message);
    $("id").focus();
  } finally {
    $("enter-button").disabled = false;
  }
}

// A name that is taken is that of somebody who was here before.
async function signUpOrBack(id, name) {
  try {
    return await api.signUp(id, name);
  } catch (error) {
    if (error.status === 409) return api.user(id);
    throw error;
  }
}

function home(user) {
  me = user;
  localStorage.setItem(STORED, user.id);
  show($("welcome"), false);
  show($("home"), true);
  show($("tabs"), true);
  show($("line"), true);
  choose("middle");
  drawMe();
  measure();
  loadPeople();
  call();
}

function leave() {
  hangUp?.();
  me = null;
  localStorage.removeItem(STORED);
  chirps.clear();
  $("chirps").replaceChildren();
  $("enter").reset();
  welcome();
}

function call() {
  hangUp?.();
  hangUp = listen(me.id, {
    open: loadChirps,
    chirp: (chirp) => put([chirp], true),
    state(isLive) {
      $("line").classList.toggle("live", isLive);
      $("line").textContent = isLive ? "live" : "reconnecting";
    },
  });
}

async function loadChirps() {
  const asked = me.id;
  try {
    const found = await api.activity(asked);
    if (me?.id !== asked) return;
    const wanted = new Set([asked, ...found.friends]);
    for (const [id, chirp] of chirps) if (!wanted.has(chirp.user)) drop(id);
    put(found.chirps, false);
    show($("older"), found.chirps.length === 30);
  } catch {
    // The line is called again in a moment, and with it this.
  }
}

async function older() {
  const last = $("chirps").lastElementChild?.dataset.id;
  const found = await api.activity(me.id, last).catch(() => null);
  if (!found) return;
  put(found.chirps, false);
  show($("older"), found.chirps.length === 30);
}

// Puts chirps where they belong, each once, the latest first.
function put(found, isNew) {
  const list = $("chirps");
  for (const chirp of found) {
    if (chirps.has(chirp.id)) continue;
    chirps.set(chirp.id, chirp);
    const item = chirpItem(chirp, people.get(chirp.user)?.name);
    if (isNew) item.classList.add("new");
    const after = Array.from(list.children).find((other) => isLater(chirp, chirps.get(other.dataset.id)));
    list.insertBefore(item, after ?? null);
  }
  show($("empty"), chirps.size === 0);
}

function drop(id) {
  chirps.delete(id);
  for (const item of Array.from($("chirps").children)) if (item.dataset.id === id) item.remove();
}

const isLater = (one, other) => one.at > other.at || (one.at === other.at && one.id > other.id);

async function say(event) {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || $("send").disabled) return;
  $("send").disabled = true;
  tell($("compose-error"), "");
  try {
    const said = await api.chirp(me.id, text);
    $("text").value = "";
    put([said], true);
  } catch (error) {
    tell($("compose-error"), error.message);
  }
  measure();
}

function measure() {
  const text = $("text");
  const left = LETTERS_MAX - Array.from(text.value.trim()).length;
  $("left").textContent = String(left);
  $("left").classList.toggle("over", left < 0);
  $("send").disabled = left < 0 || left === LETTERS_MAX;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

async function loadPeople() {
  const asked = me.id;
  try {
    const [all, user] = await Promise.all([api.users(), api.user(asked), api.greet()]);
    if (me?.id !== asked) return;
    people = new Map(all.map((person) => [person.id, person]));
    people.set(user.id, user);
    me = user;
    drawMe();
    drawPeople();
    drawNames();
  } catch {
    // Asked again in a moment.
  }
}

async function press(person, button) {
  const follows = !me.friends.includes(person.id);
  button.disabled = true;
  try {
    me = await api.follow(me.id, person.id, follows);
    drawMe();
    drawPeople();
    call();
  } catch (error) {
    button.disabled = false;
    button.textContent = "Again";
    button.title = error.message;
  }
}

function drawMe() {
  paintFace($("me-face"), me.id, me.name);
  $("me-name").textContent = me.name;
  $("me-id").textContent = `@${me.id}`;
  $("me-friends").textContent = String(me.friends.length);
  $("me-followers").textContent = String(me.followers);
}

function drawPeople() {
  const wanted = $("find").value.trim().toLowerCase().replace(/^@/, "");
  const others = Array.from(people.values()).filter((person) => person.id !== me.id);
  const fits = (person) => person.id.includes(wanted) || person.name.toLowerCase().includes(wanted);
  const items = others.filter(fits).map((person) => {
    return personItem(person, me.friends.includes(person.id), (button) => press(person, button));
  });
  // What is the same stays in place, so that a press between two drawings hits what was meant.
  const draws = items.map((item) => item.textContent).join("\n");
  if ($("people").dataset.draws !== draws) {
    $("people").dataset.draws = draws;
    $("people").replaceChildren(...items);
  }
  show($("nobody"), others.length === 0);
  show($("find"), others.length > 5 || wanted !== "");
}

// Names that came later than their chirps.
function drawNames() {
  for (const item of $("chirps").children) {
    const { user } = chirps.get(item.dataset.id);
    const name = people.get(user)?.name;
    const strong = item.querySelector("strong");
    if (!name || strong.textContent === name) continue;
    strong.textContent = name;
    paintFace(item.querySelector(".face"), user, name);
  }
}

function drawTimes() {
  for (const item of $("chirps").children) item.querySelector("time").textContent = ago(chirps.get(item.dataset.id).at);
}

function drawServed() {
  const rows = Array.from(api.seen).sort().map(([service, { version, address }]) =>
    make("li", {}, make("span", {}, service), make("span", { class: "version" }, version), make("span", {}, address)));
  $("served").replaceChildren(...rows);
}

function choose(tab) {
  $("home").dataset.tab = tab;
  for (const button of $("tabs").children) button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
}
