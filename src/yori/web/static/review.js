// The page: what is asked now, what comes next, and what each key does.

import { file, forget, load } from "./media.js";
import { Outbox, Refusal, ask, newNonce } from "./outbox.js";
import { Player } from "./player.js";
import {
  $, classKeys, filterClasses, labelText, markClasses, setText, showAccept, showClasses, showContent, showHelp,
  showNeighbours, showProgress, showQuestion, showUnsaved, translate,
} from "./view.js";
import { WORDS, speaker } from "./words.js";

const LOOK_AGAIN = 5000;
const RENEW_EVERY = 60000;
const PROGRESS_EVERY = 5000;
const LEAST_MILLISECONDS = 150; // a key that bounces must not answer an item nobody has seen
const MOST_UNDO = 200;

const saved = (name, otherwise) => {
  try {
    return localStorage.getItem(`yori-${name}`) ?? otherwise;
  } catch {
    return otherwise;
  }
};
const keep = (name, value) => {
  try {
    localStorage.setItem(`yori-${name}`, value);
  } catch {
    // Settings are then forgotten with the page.
  }
};

let language = saved("language", navigator.language.startsWith("ko") ? "ko" : "en");
let say = speaker(language);
let session = null;
let outbox = null;
let queue = []; // what is in our hands, the first is on the page
let current = null;
let chosen = new Set();
let number = 0;
let shownAt = 0;
let pressedAt = null;
let near = -1;
let neighbour = null;
let history = [];
let filling = false;
let undoing = false;

const player = new Player({
  audio: $("player"), picture: $("spectrogram"), cursor: $("cursor"), frame: $("picture-frame"), changed: showSettings,
});

// -- the queue ----------------------------------------------------------------------------------------------------------

async function fill() {
  if (filling || session === null) return;
  filling = true;
  try {
    const { leases } = await ask("/api/take", { count: Math.min(50, session.settings.hold + outbox.waiting.length) });
    for (const lease of leases) {
      const known = queue.find((entry) => entry.item.item_id === lease.item.item_id);
      if (known) known.lease = lease.lease;
      else if (!outbox.has(lease.item.item_id)) queue.push(load(lease));
    }
    if (current === null) next();
  } catch (error) {
    if (error.status === 401) stranger();
    else if (current === null) setText("live", error instanceof Refusal ? error.message : say("no_server"));
  } finally {
    filling = false;
  }
}

function next() {
  current = queue[0] ?? null;
  $("item").hidden = current === null;
  $("empty").hidden = current !== null;
  showUndo();
  if (current === null) {
    player.clear();
    setText("live", say("empty"));
    return;
  }
  number += 1;
  show();
}

function show() {
  const entry = current;
  const { item } = entry;
  chosen = new Set(item.kind && session.task.labels === "multiple" && item.suggestion_shown ? parts(item.suggested ?? item.current) : []);
  near = -1;
  neighbour?.pause();
  setText("live", [say("item", number), showQuestion(item, number, say)].join(". "));
  showContent(item);
  showNeighbours(item, say, hear);
  showChosen();
  $("problem").hidden = true;
  $("note").value = entry.note ?? "";
  $("find-text").value = "";
  filterClasses(session.task.classes, "");
  shownAt = performance.now();
  player.audio.pause();
  entry.media.then(
    ({ sound, picture }) => {
      if (current !== entry) return;
      if (item.kind === "audio") player.show(sound, picture);
      if (item.kind === "image") $("picture").src = picture;
      painted();
    },
    (error) => {
      if (current !== entry) return;
      player.clear();
      $("picture").removeAttribute("src");
      setText("problem", say("no_media", error.message));
      $("problem").hidden = false;
      painted();
    },
  );
  if (window.scrollY > 0) window.scrollTo(0, 0);
}

// From the key to the frame that shows the next item, for everybody who wants to measure it.
function painted() {
  if (pressedAt === null) return;
  const start = pressedAt;
  pressedAt = null;
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => performance.measure("key to painted", { start, end: performance.now() });
    channel.port2.postMessage(null);
  });
}

const parts = (label) => (label === null ? [] : label.split("\u001f"));

// What is chosen, in the order of the task.
const ordered = () => session.task.classes.map((one) => one.name).filter((name) => chosen.has(name));

function showChosen() {
  const { item } = current;
  const seen = item.suggestion_shown ? { suggested: item.suggested, current: item.current } : {};
  markClasses(session.task.classes, { ...seen, chosen });
  showAccept(item, ordered(), say);
}

// -- answers ------------------------------------------------------------------------------------------------------------

function choose(label) {
  if (current === null) return;
  if (session.task.labels !== "multiple") {
    answer("relabel", label);
    return;
  }
  if (!chosen.delete(label)) chosen.add(label);
  showChosen();
}

function accept() {
  if (current === null || $("accept").disabled) return;
  if (chosen.size > 0) answer("relabel", ordered().join("\u001f"));
  else answer("accept", current.item.suggested ?? current.item.current);
}

function answer(verdict, label = null) {
  const now = performance.now();
  if (current === null || now - shownAt < LEAST_MILLISECONDS) return;
  pressedAt = window.event?.timeStamp > 0 ? window.event.timeStamp : now;
  const entry = queue.shift();
  const note = $("note").value.trim() === "" ? null : $("note").value;
  const body = {
    item_id: entry.item.item_id, lease: entry.lease, nonce: newNonce(), verdict, label, note, seconds: (now - shownAt) / 1000,
  };
  entry.note = $("note").value;
  const posted = outbox.put(body, entry.item.name || entry.item.item_id.slice(0, 8));
  history.push({ posted, entry });
  if (history.length > MOST_UNDO) history.shift();
  if (document.activeElement === $("note") || document.activeElement === $("find-text")) document.activeElement.blur();
  next();
  forget(entry);
  if (queue.length < session.settings.hold) fill();
}

async function undo() {
  if (undoing) return;
  const last = history.pop();
  if (last === undefined) {
    setText("live", say("nothing_to_undo"));
    return;
  }
  undoing = true;
  showUndo();
  const nonce = newNonce();
  try {
    const given = await last.posted.saved;
    if (given === null) return;
    const { lease } = await patiently(() => ask("/api/undo", { answer_id: given.answer_id, nonce }));
    if (lease === null) setText("live", say("undone_gone"));
    else {
      queue = [load({ ...last.entry, ...lease, note: last.entry.note }), ...queue.filter((one) => one.item.item_id !== lease.item.item_id)];
      number -= 2;
      current = null;
      next();
      setText("live", say("undone"));
    }
    showSoon();
  } catch (error) {
    setText("live", say("not_undone", error.message));
  } finally {
    undoing = false;
    showUndo();
  }
}

async function patiently(request) {
  for (let wait = 500; ; wait = Math.min(8000, 2 * wait)) {
    try {
      return await request();
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

async function backToRefused() {
  const refused = outbox.takeRefused();
  if (!refused) return;
  history = history.filter((one) => one.posted !== refused);
  await readSession();
  try {
    const { leases } = await ask("/api/take", { count: 1, item_id: refused.body.item_id });
    if (leases.length > 0) {
      queue = [load({ ...leases[0], note: refused.body.note ?? "" }), ...queue.filter((one) => one.item.item_id !== refused.body.item_id)];
      current = null;
      next();
    } else setText("live", say("undone_gone"));
  } catch (error) {
    setText("live", error.message);
  }
}

function hear(place) {
  near = place;
  player.audio.pause();
  file(`/api/items/${current.item.item_id}/neighbours/${place}/sound`).then(
    (url) => {
      const other = new Audio(url);
      other.onended = () => URL.revokeObjectURL(url);
      neighbour?.pause();
      neighbour = other;
      other.play().catch(() => {});
    },
    (error) => setText("live", error.message),
  );
}

// -- keys ---------------------------------------------------------------------------------------------------------------

const KEYS = {
  a: accept, enter: accept, s: () => answer("skip"), u: () => answer("unsure"), d: () => answer("drop"), z: undo,
  " ": () => player.toggle(), r: () => player.replay(), l: () => player.toggleLoop(), f: () => player.faster(),
  j: () => current?.item.neighbours.length > 0 && hear((near + 1) % current.item.neighbours.length),
  n: () => $("note").focus(), "/": () => !$("find").hidden && $("find-text").focus(), "?": openHelp,
};
const ANSWERS = new Set(["a", "enter", "s", "u", "d"]);

// With a Korean input method the key says a Korean letter; its place on the keyboard says which key it was.
function keyName(event) {
  if (/^[\x20-\x7e]$/.test(event.key)) return event.key.toLowerCase();
  if (event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  if (event.code.startsWith("Digit")) return event.code.slice(5);
  return event.key.toLowerCase();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const target = event.target;
  const key = keyName(event);
  if (target.matches("textarea, input:not([type=checkbox]), select")) {
    if (key === "escape") target.blur();
    if (target === $("find-text") && key === "enter") {
      const first = filterClasses(session.task.classes, target.value);
      if (first !== null) {
        target.blur();
        choose(first);
      }
      event.preventDefault();
    }
    return;
  }
  if (!$("keys").checked || session === null || $("item").hidden) {
    if (key === "z" && $("keys").checked && session !== null && !event.repeat) undo();
    return;
  }
  const pushes = target.matches("button, a, summary, audio, input");
  if (pushes && (key === "enter" || key === " ")) return;
  const place = classKeys(session.task.classes).indexOf(key);
  const action = place >= 0 && /^\d$/.test(key) ? () => choose(session.task.classes[place].name) : KEYS[key];
  if (action === undefined) return;
  event.preventDefault();
  if (event.repeat && (place >= 0 || ANSWERS.has(key) || key === "z")) return;
  action();
}

// -- around it ----------------------------------------------------------------------------------------------------------

function openHelp() {
  $("help").showModal();
}

function showUndo() {
  const nothing = undoing || history.length === 0;
  $("undo").disabled = nothing;
  $("empty-undo").disabled = nothing;
}

function showSettings() {
  $("loop").setAttribute("aria-pressed", String(player.audio.loop));
  setText("rate-now", `${player.rate}×`);
  keep("rate", player.rate);
  keep("loop", player.audio.loop);
}

// Counting is work for the server, so the figures follow the answers at some distance.
let soon = null;
let counted = -Infinity;
function showSoon() {
  if (soon !== null) return;
  const wait = Math.max(400, counted + PROGRESS_EVERY - performance.now());
  soon = setTimeout(async () => {
    soon = null;
    counted = performance.now();
    try {
      showProgress(await ask("/api/progress"), outbox.waiting.length, say);
    } catch {
      // The outbox is loud about a server that is gone; progress can wait.
    }
  }, wait);
}

function speak(chosenLanguage) {
  language = chosenLanguage in WORDS ? chosenLanguage : "en";
  say = speaker(language);
  keep("language", language);
  translate(language, say);
  $("language").value = language;
  $("spectrogram").alt = say("spectrogram");
  $("picture").alt = say("picture");
  showHelp(say);
  if (outbox !== null) showUnsaved(outbox, say);
  if (current !== null) {
    showQuestion(current.item, number, say);
    showNeighbours(current.item, say, hear);
    showChosen();
  }
  if (session !== null) showSoon();
}

function stranger() {
  if (!$("login").hidden) return;
  $("login").hidden = false;
  $("item").hidden = true;
  $("empty").hidden = true;
  $("token").focus();
}

function changed() {
  showUnsaved(outbox, say);
  if (outbox.waiting.length === 0) showSoon();
}

async function readSession() {
  begin(await ask("/api/session"));
}

function begin(found) {
  const other = session !== null && session.person !== found.person;
  session = found;
  if (other) {
    location.reload();
    return;
  }
  setText("task", session.task.name);
  setText("person", session.person);
  $("logout").hidden = false;
  $("login").hidden = true;
  showClasses(session.task.classes, choose);
  if (outbox === null) {
    outbox = new Outbox({ key: `yori-outbox ${session.task.name} ${session.person}`, changed, stranger });
    if (outbox.waiting.length > 0) outbox.run();
  } else outbox.retry();
  if (current !== null) {
    $("item").hidden = false;
    showChosen();
  }
  showSoon();
  fill();
}

async function logIn(token) {
  try {
    const found = await ask("/api/login", { token });
    $("token").value = "";
    setText("login-said", "");
    begin(found);
  } catch (error) {
    setText("login-said", error instanceof Refusal ? error.message : say("no_server"));
    $("login").hidden = false;
    $("token").focus();
  }
}

function connect() {
  document.addEventListener("keydown", pressed);
  $("language").addEventListener("change", () => speak($("language").value));
  $("help-open").addEventListener("click", openHelp);
  $("logout").addEventListener("click", async () => {
    await ask("/api/logout", {}).catch(() => {});
    location.reload();
  });
  $("login").addEventListener("submit", (event) => {
    event.preventDefault();
    logIn($("token").value.trim());
  });
  for (const [id, action] of Object.entries({
    accept, skip: () => answer("skip"), unsure: () => answer("unsure"), drop: () => answer("drop"), undo, "empty-undo": undo,
    play: () => player.toggle(), replay: () => player.replay(), loop: () => player.toggleLoop(), rate: () => player.faster(),
    "unsaved-retry": () => outbox.retry(), "unsaved-back": backToRefused, "unsaved-dismiss": () => outbox.takeRefused(),
  }))
    $(id).addEventListener("click", action);
  $("find-text").addEventListener("input", () => filterClasses(session.task.classes, $("find-text").value));
  for (const id of ["autoplay", "keys"]) {
    $(id).checked = saved(id, "true") === "true";
    $(id).addEventListener("change", () => {
      keep(id, $(id).checked);
      player.autoplay = $("autoplay").checked;
    });
  }
  player.autoplay = $("autoplay").checked;
  player.audio.loop = saved("loop", "false") === "true";
  player.setRate(Number(saved("rate", "1")));
  window.addEventListener("beforeunload", (event) => {
    if (outbox !== null && outbox.unsaved > 0) event.preventDefault();
  });
  setInterval(() => current === null && fill(), LOOK_AGAIN);
  setInterval(() => current !== null && document.visibilityState === "visible" && fill(), RENEW_EVERY);
}

async function start() {
  speak(new URLSearchParams(location.search).get("lang") ?? language);
  connect();
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) {
    window.history.replaceState(null, "", location.pathname + location.search);
    await logIn(token);
    return;
  }
  try {
    await readSession();
  } catch (error) {
    stranger();
    if (!(error instanceof Refusal)) setText("login-said", say("no_server"));
  }
}

start().catch((error) => setText("live", say("wrong_page", error.message)));
