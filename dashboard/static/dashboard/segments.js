// A segmented upload (SWORD 3) of one file, which goes on where it stopped: after a lost connection, a restarted
// server or a closed browser. The server knows which segments it has; here only the address of the upload is kept.

const LANES = 3;
// Small, because what is under way when a line breaks is sent again.
const SEGMENT = 4 * 2 ** 20;
const SILENCE = 90_000;
const LONGEST_WAIT = 30_000;
// Answers after which the same request may work: busy, starting, full for now, or lost by a proxy.
const AGAIN = new Set([0, 408, 425, 429, 500, 502, 503, 504, 507]);
const DAMAGED = new Set(["DigestMismatch", "ContentMalformed"]);

/** What the server, or the way to it, has against a request. `again`: the same request may work later. */
export class Trouble extends Error {
  constructor(request) {
    const document = request?.response || {};
    super(document.error || document.summary || (request?.status ? `${request.status} ${request.statusText}` : ""));
    this.status = request?.status || 0;
    this.type = document["@type"] || document.code || "";
    this.hint = document.hint ?? (document.log || "").replace(/\s*\[[a-z0-9_.]+\]$/, "");
    this.again = AGAIN.has(this.status);
    this.after = 1000 * Number(request?.getResponseHeader("Retry-After") || 0);
  }
}

/** Somebody pressed a button. */
export class Stopped extends Error {}

// The newest token against forged requests: logging in again in another window has changed it.
const token = (field) => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? field?.value ?? "";

/** Sends one request; gives back the finished XMLHttpRequest of a success, else throws a `Trouble`. */
export const ask = (method, url, { headers = {}, body = null, sent = () => {}, began = () => {} } = {}) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer;
    // Not a limit on the whole: a slow line may take hours. Only silence is the end of a connection.
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), SILENCE);
    };
    request.open(method, url);
    request.responseType = "json";
    const all = {
      Accept: "application/json",
      "X-CSRFToken": token(document.querySelector("[name=csrfmiddlewaretoken]")),
      "X-Requested-With": "XMLHttpRequest",
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { alive(); sent(event.loaded); };
    request.onloadend = () => {
      clearTimeout(timer);
      if (request.status >= 200 && request.status < 300) resolve(request);
      else reject(new Trouble(request));
    };
    began(request);
    alive();
    request.send(body);
  });

/** Computes digests beside the page. */
class Hasher {
  constructor(rules) {
    this.rules = rules;
    this.asked = 0;
    this.waiting = new Map();
  }

  /** The SHA-256 of a file or a piece of one, in base64; `read` hears how many bytes have been read. */
  digest(blob, read = () => {}) {
    this.worker ??= this.start();
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, read });
      this.worker.postMessage({ id, blob });
    });
  }

  start() {
    const worker = new Worker(this.rules.worker);
    worker.onmessage = ({ data: { id, read, sha256 } }) => {
      const one = this.waiting.get(id);
      if (read !== undefined) return one.read(read);
      this.waiting.delete(id);
      return sha256 ? one.resolve(sha256) : one.reject(new Error(this.rules.unreadable));
    };
    worker.onerror = () => this.stop(new Error(this.rules.unreadable));
    return worker;
  }

  stop(reason = new Stopped()) {
    this.worker?.terminate();
    this.worker = null;
    for (const { reject } of this.waiting.values()) reject(reason);
    this.waiting.clear();
  }
}

/** Uploads a file. `rules`: the addresses and limits of the server; `hear` is told of every step and of progress. */
export class Upload {
  constructor(file, rules, memory, hear) {
    Object.assign(this, { file, rules, memory, hear });
    this.address = null;
    this.arrived = 0;
    this.requests = new Set();
    this.stopped = false;
    this.wake = () => {};
    this.hasher = new Hasher(rules);
  }

  /** Bring the whole file over, however long that takes. Throws `Stopped`, or a `Trouble` that waiting cannot mend. */
  async run() {
    this.stopped = false;
    while (!await this.insist(() => this.round()));
    return this.address;
  }

  /** Send what the server still waits for; true when it waits for nothing. */
  async round() {
    const expecting = await this.expected();
    if (expecting.length) await this.sendAll(expecting);
    return !expecting.length;
  }

  /** Do one step until it succeeds. */
  async insist(step) {
    for (let failures = 1; ; failures++) {
      const before = this.arrived;
      try {
        return await step();
      } catch (trouble) {
        if (this.stopped) throw new Stopped();
        if (!(trouble instanceof Trouble) || !trouble.again) throw trouble;
        if (this.arrived > before) failures = 1;
        await this.pause(trouble, Math.max(trouble.after, Math.min(LONGEST_WAIT, 500 * 2 ** failures)));
      }
    }
  }

  /** Let go of everything under way; what has arrived stays with the server. */
  stop() {
    this.stopped = true;
    for (const request of this.requests) request.abort();
    this.hasher.stop();
    this.wake();
  }

  /** Stop, and have the server forget the upload. */
  async discard() {
    this.stop();
    await this.forget();
  }

  async forget() {
    const known = this.address ?? this.memory.get(this.file)?.address;
    this.address = null;
    this.memory.forget(this.file);
    if (known) await ask("DELETE", known).catch(() => {});
  }

  // --- Steps ------------------------------------------------------------------------------------------

  /** The numbers of the segments that the server still waits for; begins the upload if need be. */
  async expected() {
    this.address ??= this.memory.get(this.file)?.address ?? null;
    if (this.address) {
      const state = await this.state();
      if (state) return this.understand(state);
      await this.forget();
    }
    const reading = (done) => this.hear("reading", { done });
    this.sha256 ??= await this.hasher.digest(this.file, reading);
    this.address = await this.begin(this.sha256);
    this.memory.set(this.file, { address: this.address });
    return this.understand(await this.state());
  }

  /** What the server has; null where it knows nothing (any more) of such an upload of such a file. */
  async state() {
    try {
      const { response } = await this.ask("GET", this.address);
      return response.assembledSize === this.file.size ? response : null;
    } catch (trouble) {
      if (trouble.status !== 404) throw trouble;
      return null;
    }
  }

  understand(state) {
    if (!state) throw new Trouble(null);
    this.segment = state.segmentSize;
    this.arrived = state.received.reduce((sum, number) => sum + this.slice(number).size, 0);
    this.hear("sending", { done: this.arrived });
    return state.expecting;
  }

  async begin(sha256) {
    const { size } = this.file;
    const least = Math.ceil(size / this.rules.maxSegments / 2 ** 20) * 2 ** 20;
    const segment = Math.min(this.rules.maxSegment, Math.max(this.rules.minSegment, SEGMENT, least));
    const plan = `segment-init; size=${size}; segment_count=${Math.ceil(size / segment)}; segment_size=${segment}`;
    const headers = { "Content-Disposition": `${plan}; digest=SHA-256=${sha256}` };
    const request = await this.ask("POST", this.rules.staging, { headers });
    // Only the path: which name and scheme lead to the server is the browser's knowledge.
    return new URL(request.getResponseHeader("Location"), location.href).pathname;
  }

  /** Several lanes take one segment after the other. After the first trouble each ends with the one it has. */
  async sendAll(waiting) {
    let trouble = null;
    const partly = new Map();
    const progress = () => {
      const under = [...partly.values()].reduce((sum, bytes) => sum + bytes, 0);
      this.hear("sending", { done: this.arrived + under });
    };
    const lane = async () => {
      while (waiting.length && !trouble) {
        const number = waiting.shift();
        try {
          await this.send(number, (bytes) => { partly.set(number, bytes); progress(); });
          this.arrived += this.slice(number).size;
        } catch (error) {
          // What will not change by itself outweighs what may.
          if (!trouble || trouble.again) trouble = error;
        }
        partly.delete(number);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    if (trouble) throw trouble;
  }

  slice(number) {
    return this.file.slice((number - 1) * this.segment, number * this.segment);
  }

  async send(number, sent) {
    const { address } = this;
    const body = this.slice(number);
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Disposition": `segment; segment_number=${number}`,
      Digest: `SHA-256=${await this.hasher.digest(body)}`,
    };
    try {
      await this.ask("POST", address, { headers, body, sent });
    } catch (trouble) {
      // Its answer was lost, or another window was quicker: it is there.
      if (trouble.type === "UnexpectedSegment") return;
      // The upload expired, was given up meanwhile, or has lost its file: begun anew. Damaged on its way: sent again.
      if (trouble.status === 404 && this.address === address) this.forget();
      if (trouble.status === 404 || DAMAGED.has(trouble.type)) trouble.again = true;
      throw trouble;
    }
  }

  // --- Means ------------------------------------------------------------------------------------------

  async ask(method, url, options = {}) {
    if (this.stopped) throw new Stopped();
    let mine;
    const began = (request) => { this.requests.add((mine = request)); };
    try {
      return await ask(method, url, { ...options, began });
    } finally {
      this.requests.delete(mine);
    }
  }

  /** Wait, but not when the line is back. */
  async pause(trouble, milliseconds) {
    const wait = milliseconds * (0.75 + Math.random() / 4);
    this.hear("waiting", { trouble, seconds: Math.ceil(wait / 1000) });
    await new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, wait);
      addEventListener("online", resolve, { once: true });
    });
    if (this.stopped) throw new Stopped();
  }
}
