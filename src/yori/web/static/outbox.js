// Answers on their way. One that was given stays here, and in the browser's storage, until the server has said that it has it.

const WAITS = [500, 1000, 2000, 4000, 8000];
const PATIENCE = 15000;

export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export async function ask(path, body) {
  const options = { credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE), headers: { "x-yori": "review" } };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
  }
  const reply = await fetch(path, options);
  let said = null;
  try {
    said = await reply.json();
  } catch {
    said = {};
  }
  if (!reply.ok) throw new Refusal(reply.status, said.error ?? `HTTP ${reply.status}`);
  return said;
}

export function newNonce() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  // `changed()` is called whenever what is unsaved may have changed; `stranger()` when the server does not know us any more.
  constructor({ key, changed, stranger }) {
    Object.assign(this, { key, changed, stranger, waiting: [], refused: [], failures: 0, why: "" });
    this.running = false;
    this.wake = () => {};
    // Every tab has a list of its own, so that no tab writes over another's; who starts takes over what others left.
    this.own = `${key} ${newNonce().slice(0, 8)}`;
    for (const body of this.#left()) this.waiting.push(this.#entry(body));
    this.#store();
  }

  get unsaved() {
    return this.waiting.length + this.refused.length;
  }

  has(itemId) {
    return [...this.waiting, ...this.refused].some((entry) => entry.body.item_id === itemId);
  }

  put(body, name) {
    const entry = this.#entry(body);
    entry.name = name;
    this.waiting.push(entry);
    this.#store();
    this.run();
    return entry;
  }

  retry() {
    this.wake();
    this.run();
  }

  takeRefused() {
    const entry = this.refused.shift();
    this.#store();
    this.changed();
    return entry;
  }

  async run() {
    if (this.running) return;
    this.running = true;
    while (this.waiting.length > 0) {
      const entry = this.waiting[0];
      try {
        const answer = await ask("/api/answer", entry.body);
        this.#leave(entry);
        this.failures = 0;
        entry.resolve(answer);
      } catch (error) {
        if (await this.#settled(entry, error)) continue;
        this.failures += 1;
        this.why = error instanceof Refusal ? error.message : "";
        this.changed();
        if (error.status === 401) this.stranger();
        await this.#wait(WAITS[Math.min(this.failures, WAITS.length) - 1]);
        continue;
      }
      this.changed();
    }
    this.running = false;
    this.changed();
  }

  // A lease that ran out while somebody thought is taken again once; what is refused then needs a person.
  async #settled(entry, error) {
    const final = error instanceof Refusal && error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
    if (!final) return false;
    if (!entry.again) {
      entry.again = true;
      try {
        const { leases } = await ask("/api/take", { count: 1, item_id: entry.body.item_id });
        if (leases.length > 0) {
          entry.body.lease = leases[0].lease;
          this.#store();
          return true;
        }
      } catch (other) {
        if (!(other instanceof Refusal)) {
          entry.again = false;
          return false;
        }
      }
    }
    this.#leave(entry);
    entry.why = error.message;
    this.refused.push(entry);
    entry.resolve(null);
    this.changed();
    return true;
  }

  #wait(milliseconds) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, milliseconds);
    });
  }

  #entry(body) {
    const entry = { body, name: body.item_id.slice(0, 8), again: false };
    entry.saved = new Promise((resolve) => {
      entry.resolve = resolve;
    });
    return entry;
  }

  #leave(entry) {
    this.waiting = this.waiting.filter((one) => one !== entry);
    this.#store();
  }

  #store() {
    try {
      if (this.waiting.length === 0) localStorage.removeItem(this.own);
      else localStorage.setItem(this.own, JSON.stringify(this.waiting.map((entry) => entry.body)));
    } catch {
      // A browser without storage keeps them in the page only.
    }
  }

  #left() {
    const bodies = [];
    try {
      for (const name of Object.keys(localStorage).filter((one) => one.startsWith(`${this.key} `))) {
        const found = JSON.parse(localStorage.getItem(name) ?? "[]");
        if (Array.isArray(found)) bodies.push(...found.filter((body) => typeof body?.item_id === "string"));
        localStorage.removeItem(name);
      }
    } catch {
      // What cannot be read cannot be sent.
    }
    return bodies;
  }
}
