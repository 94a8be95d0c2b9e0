// The upload page: the file goes over in segments while its description is written; then both become a deposit.
// Without this script the browser sends the same form by itself, in one piece.
import { Stopped, Trouble, Upload, ask } from "./segments.js";

const element = (id) => document.getElementById(id);
const form = element("upload");
const words = form.dataset;
const field = element("package");
const metadata = element("metadata");
const button = element("send");
const rules = {
  staging: words.staging,
  worker: words.worker,
  unreadable: words.unreadable,
  minSegment: Number(words.minSegment),
  maxSegment: Number(words.maxSegment),
  maxSegments: Number(words.maxSegments),
};

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
const size = (bytes) => {
  let unit = 0;
  while (bytes >= 1023.95 && unit < units.length - 1) { bytes /= 1024; unit++; }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
};
const time = (seconds) => {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
};

// --- What this browser remembers of unfinished uploads: where they are, and what was said of them -----------------

const PREFIX = `deposit upload ${words.client} `;
const key = (file) => `${PREFIX}${JSON.stringify([file.name, file.size, file.lastModified])}`;
const memory = {
  get: (file) => {
    try { return JSON.parse(localStorage.getItem(key(file))); } catch { return null; }
  },
  set: (file, record) => {
    // A browser that keeps nothing resumes as long as the page is open.
    const whole = JSON.stringify({ ...memory.get(file), ...record, draft: draft() });
    try { localStorage.setItem(key(file), whole); } catch { /* full or forbidden */ }
  },
  forget: (file) => {
    try { localStorage.removeItem(key(file)); } catch { /* forbidden */ }
  },
  all: () => {
    try {
      return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).map((name) => {
        const [called, bytes, lastModified] = JSON.parse(name.slice(PREFIX.length));
        return { name: called, size: bytes, lastModified };
      });
    } catch { return []; }
  },
};

const texts = () => [...form.querySelectorAll("input[name]:not([type=file], [type=hidden]), textarea, select")];
// What the package says is not what the depositor said.
const draft = () => Object.fromEntries(texts().filter((input) => !isFilled(input)).map((input) => [input.name, input.value]));
const restore = (record) => {
  for (const input of texts()) {
    if (record?.draft?.[input.name] && (!input.value || input.tagName === "SELECT")) input.value = record.draft[input.name];
  }
};

// --- What the package says of itself fills the fields that are empty ------------------------------------------------

const filled = new Map();
const isFilled = (input) => filled.get(input.name) === input.value;
const note = (input) => {
  const id = `${input.id}-from`;
  let told = element(id);
  if (!told) {
    told = document.createElement("span");
    told.id = id;
    told.className = "help from";
    input.closest(".field").append(told);
    input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
  }
  return told;
};
const fillFrom = (fields) => {
  for (const [name, { value, source }] of Object.entries(fields)) {
    const input = element(`id_${name}`);
    if (input.value.trim()) continue;
    input.value = value;
    // As the browser keeps it: line ends and lengths may be its own.
    filled.set(name, input.value);
    note(input).textContent = fill(words.from, { source });
    const hidden = input.closest("details");
    if (hidden) hidden.open = true;
  }
};
const empty = () => {
  for (const input of texts()) {
    if (!filled.has(input.name)) continue;
    if (isFilled(input)) input.value = "";
    note(input).textContent = "";
  }
  filled.clear();
};
form.addEventListener("input", ({ target }) => {
  if (filled.has(target.name)) note(target).hidden = !isFilled(target);
});
const describe = async (mine) => {
  const body = new FormData();
  body.set("upload", mine.address.match(/[0-9a-f-]{36}/)[0]);
  for (const name of ["collection", "name_encoding"]) body.set(name, element(`id_${name}`).value);
  try {
    const { response } = await ask("POST", words.describe, { body });
    if (upload !== mine || deposited || button.disabled) return;
    fillFrom(response.fields);
    if (filled.size) say(`${words.arrived} ${words.described}`);
  } catch { /* the checker will say what is wrong with it */ }
};

// --- What the page says -------------------------------------------------------------------------------------------

const say = (text) => { element("state").textContent = text; };
const tell = (summary, hint = "") => {
  const [first, second] = element("problem").querySelectorAll("p");
  first.firstElementChild.textContent = summary;
  second.textContent = hint;
  element("problem").hidden = false;
  element("problem").scrollIntoView({ block: "center" });
};
const explain = (error) => {
  if (!(error instanceof Trouble)) return tell(error.message);
  if (error.status === 401) return tell(words.out);
  return tell(error.message || words.lost, error.hint);
};

// The rate of the last ten seconds: what a line does now, not what it did an hour ago.
let samples = [];
const rate = (done) => {
  const now = performance.now();
  samples = [...samples.filter(([at]) => now - at < 10_000), [now, done]];
  const [[since, then]] = samples;
  return now - since > 500 ? Math.max(0, (done - then) / ((now - since) / 1000)) : 0;
};
let spoke = -Infinity;
const show = (label, done, total) => {
  element("progress").value = total ? done / total : 0;
  if (done < total && performance.now() - spoke < 500) return;
  spoke = performance.now();
  const now = rate(done);
  const speed = now && done < total ? ` · ${size(now)}/s · ${time((total - done) / now)} ${words.left}` : "";
  element("told").textContent = `${label}: ${size(done)} / ${size(total)}${speed}`;
};

// --- The upload ---------------------------------------------------------------------------------------------------

let upload = null;
let arrived = false;
let wanted = false;
let deposited = false;

const hear = (step, { done, trouble, seconds }) => {
  if (step === "waiting") {
    still();
    say(fill(trouble.status ? `${trouble.message} ${words.again}` : words.lostFor, { seconds }));
    return;
  }
  // Another step is told at once, however short a time ago the last word was.
  if (hear.step !== step) { samples = []; spoke = -Infinity; }
  hear.step = step;
  say(wanted ? words.wanted : "");
  show(words[step], done, upload.file.size);
};

// Nothing moves: what is there, and no rate.
const still = () => {
  samples = [];
  spoke = -Infinity;
  if (upload.address) show(words.sending, upload.arrived, upload.file.size);
};

const paused = (yes) => {
  element("pause").textContent = yes ? words.goOn : words.pause;
  element("pause").dataset.paused = yes ? "yes" : "";
};

const go = async () => {
  const mine = upload;
  element("problem").hidden = true;
  element("sending").hidden = false;
  element("pause").hidden = false;
  arrived = false;
  paused(false);
  try {
    await mine.run();
  } catch (error) {
    if (upload !== mine) return;
    paused(true);
    still();
    say(words.paused);
    wanted = button.disabled = false;
    if (!(error instanceof Stopped)) explain(error);
    return;
  }
  if (upload !== mine) return;
  arrived = true;
  element("pause").hidden = true;
  say(words.arrived);
  if (wanted) deposit();
  else describe(mine);
};

const start = (file) => {
  upload?.stop();
  upload = null;
  element("sending").hidden = true;
  element("problem").hidden = true;
  wanted = button.disabled = false;
  const limit = Number(element("id_collection").selectedOptions[0]?.dataset.limit || words.limit);
  if (!file) return;
  if (!file.size) return refuse(words.empty);
  if (file.size > limit) return refuse(fill(words.tooLarge, { size: size(file.size), limit: size(limit) }));
  empty();
  restore(memory.get(file));
  upload = new Upload(file, rules, memory, hear);
  go();
  list();
};

const refuse = (text) => {
  field.value = "";
  tell(text);
};

const deposit = async () => {
  const mine = upload;
  const body = new FormData(form);
  body.delete("package");
  // The token goes in the header: the one in the form may be older than the present log-in.
  body.delete("csrfmiddlewaretoken");
  body.set("upload", mine.address.match(/[0-9a-f-]{36}/)[0]);
  body.set("package_name", mine.file.name);
  body.set("from_package", texts().filter(isFilled).map((input) => input.name).join(" "));
  button.disabled = true;
  try {
    // Safe to repeat: an upload is deposited once.
    const { response } = await mine.insist(() => ask("POST", form.action, { body }));
    memory.forget(mine.file);
    deposited = true;
    say(words.kept);
    location.assign(response.url);
  } catch (error) {
    wanted = button.disabled = false;
    if (error instanceof Trouble && error.type === "upload.unknown") {
      // It expired, was given up elsewhere, or its file is lost: begun anew, by itself once each time somebody asks.
      await mine.forget();
      if (upload !== mine) return;
      if (!mine.renewed) {
        mine.renewed = wanted = button.disabled = true;
        go();
        return;
      }
      arrived = false;
      paused(true);
      element("pause").hidden = false;
    }
    explain(error);
  }
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!upload) return;
  element("problem").hidden = true;
  wanted = button.disabled = true;
  upload.renewed = false;
  keep();
  if (arrived) deposit();
  else if (element("pause").dataset.paused) go();
  else say(words.wanted);
});

element("pause").addEventListener("click", () => (element("pause").dataset.paused ? go() : upload.stop()));
element("discard").addEventListener("click", async () => {
  const gone = upload;
  upload = null;
  field.value = "";
  element("sending").hidden = true;
  element("problem").hidden = true;
  wanted = button.disabled = false;
  await gone.discard();
  list();
});
const keep = () => {
  if (upload && memory.get(upload.file)) memory.set(upload.file, {});
};
form.addEventListener("change", keep);
addEventListener("beforeunload", (event) => {
  if (upload && !deposited) event.preventDefault();
});

// --- Unfinished uploads of earlier visits ---------------------------------------------------------------------------

const entry = (file, state) => {
  const one = document.createElement("li");
  const done = state.received.length / (state.received.length + state.expecting.length);
  one.textContent = `${fill(words.unfinished, { name: file.name, done: Math.floor(100 * done) })} `;
  const forget = document.createElement("button");
  forget.type = "button";
  forget.className = "small";
  forget.textContent = words.forget;
  forget.addEventListener("click", async () => {
    await new Upload(file, rules, memory, hear).discard();
    list();
  });
  one.append(forget);
  return one;
};

const list = async () => {
  const entries = [];
  for (const file of memory.all()) {
    if (upload && key(upload.file) === key(file)) continue;
    try {
      const { response } = await ask("GET", memory.get(file).address);
      entries.push(entry(file, response));
    } catch (trouble) {
      if (trouble.status === 404 || !(trouble instanceof Trouble)) memory.forget(file);
    }
  }
  element("unfinished").hidden = !entries.length;
  element("unfinished").querySelector("ul").replaceChildren(...entries);
};

// --- The form -------------------------------------------------------------------------------------------------------

for (const name of ["dragover", "dragleave", "drop"]) {
  element("drop").addEventListener(name, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", name === "dragover");
    if (name !== "drop" || !event.dataTransfer.files.length) return;
    if (event.dataTransfer.files.length > 1) return tell(words.tooMany);
    field.files = event.dataTransfer.files;
    start(field.files[0]);
  });
}
field.addEventListener("change", () => start(field.files[0]));

// The fields may be empty when a file says it all.
const mark = () => {
  for (const input of form.querySelectorAll("[data-required]")) input.required = !metadata.files.length;
};
metadata.addEventListener("change", mark);
mark();
list();
// Some browsers keep the choice over a reload.
if (field.files.length) start(field.files[0]);
