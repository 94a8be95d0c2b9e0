// Hashes a file as git does, piece by piece, and asks for its SWHID. The file stays where it is.
// Written out because crypto.subtle takes files only whole, and works over plain HTTP only on this machine.
"use strict";

class Sha1 {
  constructor() {
    this.h = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
    this.block = new Uint8Array(64);
    this.words = new Uint32Array(80);
    this.used = 0;
    this.length = 0;
  }

  update(bytes) {
    this.length += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const part = bytes.subarray(at, at + 64 - this.used);
      this.block.set(part, this.used);
      this.used += part.length;
      at += part.length;
      if (this.used === 64) { this.mix(); this.used = 0; }
    }
  }

  mix() {
    const w = this.words, b = this.block;
    for (let i = 0; i < 16; i++) w[i] = b[4 * i] << 24 | b[4 * i + 1] << 16 | b[4 * i + 2] << 8 | b[4 * i + 3];
    for (let i = 16; i < 80; i++) {
      const x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
      w[i] = x << 1 | x >>> 31;
    }
    let [a, c, d, e, f] = this.h;
    for (let i = 0; i < 80; i++) {
      const mixed = i < 20 ? (c & d | ~c & e) + 0x5a827999
        : i < 40 ? (c ^ d ^ e) + 0x6ed9eba1
        : i < 60 ? (c & d | c & e | d & e) + 0x8f1bbcdc
        : (c ^ d ^ e) + 0xca62c1d6;
      const next = (a << 5 | a >>> 27) + mixed + f + w[i] | 0;
      f = e; e = d; d = c << 30 | c >>> 2; c = a; a = next;
    }
    this.h[0] += a; this.h[1] += c; this.h[2] += d; this.h[3] += e; this.h[4] += f;
  }

  hex() {
    const bits = this.length * 8;
    const pad = new Uint8Array((this.used < 56 ? 64 : 128) - this.used);
    pad[0] = 0x80;
    const view = new DataView(pad.buffer);
    view.setUint32(pad.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(pad.length - 4, bits >>> 0);
    this.update(pad);
    return Array.from(this.h, (word) => word.toString(16).padStart(8, "0")).join("");
  }
}

const drop = document.getElementById("drop");
const progress = document.getElementById("progress");

async function ask(file) {
  const hash = new Sha1();
  hash.update(new TextEncoder().encode(`blob ${file.size}\0`));
  progress.hidden = false;
  const size = 4 * 1024 * 1024;
  for (let at = 0; at < file.size; at += size) {
    hash.update(new Uint8Array(await file.slice(at, at + size).arrayBuffer()));
    progress.value = Math.min(1, (at + size) / file.size);
  }
  const field = document.getElementById("q");
  field.value = `swh:1:cnt:${hash.hex()}`;
  field.form.submit();
}

drop.hidden = false;
document.getElementById("file").addEventListener("change", (event) => {
  if (event.target.files[0]) ask(event.target.files[0]);
});
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files[0]) ask(event.dataTransfer.files[0]);
  });
}
