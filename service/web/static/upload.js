// Uploads in pieces (tus 1.0): a broken line, a closed lid or a reload only pauses them.
"use strict";
(() => {
  const { $, $$, say } = window.whorl;
  const PIECE = 8 * 1024 * 1024, TRIES = 8;
  const csrf = () => document.body.dataset.csrf;
  const headers = (more) => ({ "Tus-Resumable": "1.0.0", "X-CSRF-Token": csrf(), ...more });
  const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);

  class Fault extends Error {
    constructor(text, last) { super(text); this.last = last; }
  }
  const problem = async (response) => {
    let detail = response.statusText;
    try { detail = (await response.json()).detail || detail; } catch { /* not a problem document */ }
    return new Fault(detail || `error ${response.status}`, response.status < 500 && ![409, 423, 429, 460].includes(response.status));
  };

  class Upload {
    constructor(file, form) {
      this.file = file;
      this.form = form;
      this.key = `upload:${file.name}:${file.size}:${file.lastModified}`;
      this.once = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
      this.card = this.draw();
    }

    draw() {
      const card = document.createElement("article");
      card.className = "job";
      const title = document.createElement("p"), name = document.createElement("b"), chip = document.createElement("span");
      name.textContent = visible(this.file.name);
      chip.className = "chip";
      chip.textContent = size(this.file.size);
      title.append(name, " ", chip);
      this.bar = document.createElement("progress");
      this.bar.max = 1;
      this.bar.value = 0;
      this.bar.setAttribute("aria-label", `Upload of ${visible(this.file.name)}`);
      this.words = document.createElement("p");
      this.words.className = "soft";
      this.button = document.createElement("button");
      this.button.type = "button";
      this.button.textContent = "Pause";
      this.button.addEventListener("click", () => this.toggle());
      this.cancel = document.createElement("button");
      this.cancel.type = "button";
      this.cancel.textContent = "Remove";
      this.cancel.addEventListener("click", () => this.remove());
      const actions = document.createElement("p");
      actions.className = "actions";
      actions.append(this.button, this.cancel);
      card.append(title, this.bar, this.words, actions);
      $("#uploads").append(card);
      return card;
    }

    tell(text) { this.words.textContent = text; }

    toggle() {
      this.halted = !this.halted;
      this.button.textContent = this.halted ? "Go on" : "Pause";
      if (this.halted) { this.abort?.abort(); this.tell("Paused. What has arrived is kept."); } else this.run();
    }

    async remove() {
      this.halted = true;
      this.abort?.abort();
      localStorage.removeItem(this.key);
      if (this.url) fetch(this.url, { method: "DELETE", headers: headers() }).catch(() => {});
      this.card.remove();
    }

    async run() {
      for (let failed = 0; !this.halted; ) {
        try {
          await this.open();
          while (this.offset < this.file.size && !this.halted) { await this.piece(); failed = 0; }
          if (!this.halted) await this.finish();
          return;
        } catch (error) {
          if (this.halted) return;
          if (error.last || ++failed > TRIES) return this.fail(error);
          const wait = Math.min(30, 2 ** (failed - 1));
          this.tell(`The line broke (${error.message}). Trying again in ${wait} s.`);
          await pause(wait);
        }
      }
    }

    // Where to go on: at the upload of this very file that was begun before, else at a new one.
    async open() {
      this.url = this.url || localStorage.getItem(this.key);
      if (this.url) {
        const head = await fetch(this.url, { method: "HEAD", headers: headers() });
        if (head.ok) { this.offset = Number(head.headers.get("Upload-Offset")); return; }
        if (head.status !== 404 && head.status !== 410) throw await problem(head);
      }
      const name = base64(new TextEncoder().encode(this.file.name));
      const made = await fetch("/v1/uploads", { method: "POST", headers: headers({ "Upload-Length": String(this.file.size), "Upload-Metadata": `filename ${name}` }) });
      if (!made.ok) throw await problem(made);
      this.url = new URL(made.headers.get("Location"), location.href).pathname;
      this.offset = 0;
      localStorage.setItem(this.key, this.url);
    }

    async piece() {
      this.abort = new AbortController();
      const bytes = await this.file.slice(this.offset, this.offset + PIECE).arrayBuffer();
      const more = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(this.offset) };
      // Only secure pages may hash; others rely on the line.
      if (window.crypto.subtle) more["Upload-Checksum"] = `sha256 ${base64(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)))}`;
      const sent = await fetch(this.url, { method: "PATCH", headers: headers(more), body: bytes, signal: this.abort.signal });
      if (!sent.ok) throw await problem(sent);
      this.offset = Number(sent.headers.get("Upload-Offset"));
      this.bar.value = this.offset / this.file.size;
      this.tell(`${size(this.offset)} of ${size(this.file.size)}`);
    }

    // All bytes are there: what is to be done with them becomes a job.
    async finish() {
      const body = { upload: this.url.split("/").pop(), ...details(this.form) };
      const made = await fetch(this.form.dataset.then, {
        method: "POST", body: JSON.stringify(body),
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf(), "Idempotency-Key": this.once },
      });
      if (!made.ok) throw await problem(made);
      const job = await made.json();
      localStorage.removeItem(this.key);
      this.card.remove();
      await htmx.ajax("GET", `/jobs/${encodeURIComponent(job.id)}/card`, { target: "#under-way", swap: "afterbegin" });
    }

    fail(error) {
      this.tell(`It was not taken: ${error.message}`);
      this.words.className = "problem";
      this.button.textContent = "Try again";
      this.halted = true;
    }
  }

  // A name as it is: what turns the text around or hides is spelt out.
  const visible = (text) => text.replace(/[\p{C}\u2028\u2029]/gu, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);

  const details = (form) => {
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string" && value !== ""));
    if (form.dataset.then === "/v1/matches") {
      const captured = {};
      for (const name of ["place", "territory"]) if (given[name]) captured[name] = given[name];
      if (given.at) captured.at = `${given.at}:00Z`;
      return { ...(given.case ? { case: given.case } : {}), ...(Object.keys(captured).length ? { captured } : {}) };
    }
    return given;
  };

  for (const form of $$("[data-table]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const [file] = $("input", form).files;
      const sent = await fetch("/v1/works/table", { method: "POST", headers: { "Content-Type": "text/csv", "X-CSRF-Token": csrf() }, body: file });
      if (sent.ok) location.reload(); else say((await problem(sent)).message);
    });
  }

  // One file after another: side by side they would only share the line.
  let queue = Promise.resolve();
  const take = (files, form) => {
    for (const file of files) {
      if (!file.size) { say(`${visible(file.name)} is empty.`); continue; }
      const upload = new Upload(file, form);
      upload.tell("Waiting for those before it.");
      queue = queue.then(() => upload.run());
    }
  };

  for (const form of $$("[data-upload]")) {
    const chosen = $('input[type="file"]', form);
    chosen.addEventListener("change", () => { take(chosen.files, form); chosen.value = ""; });
    form.addEventListener("submit", (event) => event.preventDefault());
    // Anywhere on the page is meant: who misses the box would leave the page.
    let depth = 0;
    const over = (change) => { depth = Math.max(0, depth + change); form.classList.toggle("over", depth > 0); };
    document.addEventListener("dragenter", () => over(1));
    document.addEventListener("dragleave", () => over(-1));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      over(-depth);
      take(event.dataTransfer.files, form);
    });
  }
})();
