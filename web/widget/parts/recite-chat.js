/** @file `<recite-chat client-id="shop">`: a chat whose answers are shown as they come, and heard. */

// Nobody types more; the service takes some more.
const LONGEST_MESSAGE = 4_000;
// Reasons for no sound that are none for the browser's own voice: nobody wants it, or there is nothing to say.
const SILENT = new Set(["off", "nothing", "provider_silent"]);
const FOLLOWED_PIXELS = 150;

/**
 * Attributes: `client-id` (otherwise the service's own settings count); `api` (where the service is, by default where
 * this script comes from); `token`, or `token-url` (a POST there answers `{"token"}`); `mode="inline"` (in the page
 * instead of a bubble), `title`, `greeting`, `placeholder`, `voice`, `audio`, `theme` (`light`, `dark`,
 * `auto`), `open`, `muted`.
 * Told by events: `recite-answer` with the answer, `recite-problem` with `code` and `message`.
 */
class ReciteChat extends HTMLElement {
  static observedAttributes = ["title", "placeholder", "open", "muted", "mode"];

  /** Of the conversation so far; another id goes on with another one. @type {string | undefined} */
  conversationId;
  #turn = new AbortController();
  #token = "";
  /** @type {Reading | undefined} */
  #reading;
  #isNew = true;

  #bubble = iconButton("chat", WORDS.open, () => this.open());
  #heading = element("h2", { id: "title" });
  #sound = iconButton("soundOn", WORDS.soundOff, () => this.toggleAttribute("muted"));
  #log = element("div", { class: "log", role: "log", tabindex: "0", "aria-label": WORDS.log });
  #input = element("textarea", { rows: "1", dir: "auto", maxlength: String(LONGEST_MESSAGE), enterkeyhint: "send" });
  #form = element(
    "form",
    {},
    this.#input,
    element("button", { class: "send", "aria-label": WORDS.send }, icon("send")),
  );
  #panel = element(
    "section",
    { class: "panel", id: "panel", "aria-labelledby": "title", hidden: true },
    element(
      "header",
      {},
      this.#heading,
      this.#sound,
      iconButton("close", WORDS.close, () => this.close()),
    ),
    this.#log,
    this.#form,
  );

  constructor() {
    super();
    // The element's own title is a name, no hint to show wherever the mouse rests.
    const root = element("div", { title: "" }, this.#bubble, this.#panel);
    root.style.display = "contents";
    shadow(this, COLOURS, CHAT_STYLE).append(root);
    this.#form.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      this.#send();
    });
    this.#input.addEventListener("keydown", (event) => {
      // Enter also ends the writing of a word in Japanese or Chinese.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#panel.addEventListener("keydown", (event) => this.#keepFocus(event));
  }

  get isInline() {
    return this.getAttribute("mode") === "inline";
  }

  connectedCallback() {
    const greeting = this.getAttribute("greeting");
    if (this.#isNew && greeting) this.#message("assistant").text = greeting;
    this.#isNew = false;
    this.#show();
  }

  disconnectedCallback() {
    this.stop();
  }

  attributeChangedCallback() {
    if (this.hasAttribute("muted")) this.#reading?.stop();
    this.#show();
  }

  /** Opens the bubble's dialog. */
  open() {
    this.setAttribute("open", "");
    this.#input.focus();
  }

  /** Closes it, and is silent. */
  close() {
    this.#reading?.stop();
    this.removeAttribute("open");
    this.#bubble.focus();
  }

  /** Ends the answer that is being written or read out. */
  stop() {
    this.#turn.abort();
    this.#reading?.stop();
  }

  /** Asks as if it had been typed. @param {string} message @returns {Promise<void>} once the answer is written */
  async ask(message) {
    this.stop();
    const turn = (this.#turn = new AbortController());
    this.#message("user").text = message;
    const answer = this.#message("assistant");
    answer.wait();
    this.#reading = answer.read({ lang: languageOf(this), onChange: () => this.#follow() });
    // Not read out word by word by screen readers, but as a whole.
    this.#log.ariaBusy = "true";
    try {
      await this.#receive(answer, { message, reading: this.#reading, signal: turn.signal });
    } catch (cause) {
      if (!turn.signal.aborted) this.#fail(answer, { cause, message });
      else if (!answer.text) answer.node.remove();
    } finally {
      answer.reading?.close();
      if (this.#turn === turn) this.#log.ariaBusy = "false";
    }
  }

  /** @param {Message} answer @param {{message: string, reading: Reading, signal: AbortSignal}} turn */
  async #receive(answer, { message, reading, signal }) {
    let text = "";
    for await (const event of this.#events(message, signal)) {
      signal.throwIfAborted();
      if (event.kind === "delta") answer.text = text += event.text;
      else if (event.kind === "audio") this.#speak(reading, event.sentence, event);
      else if (event.kind === "done") {
        answer.text = event.reply;
        this.conversationId = event.conversation_id;
        if (!reading.parts.length) this.#speak(reading, event.reply, event);
        this.dispatchEvent(new CustomEvent("recite-answer", { detail: event }));
      }
      this.#follow();
    }
  }

  /**
   * Asks once more with a new token where the page's backend gives them: they don't last long.
   * @param {string} message @param {AbortSignal} signal
   * @returns {AsyncGenerator<AnswerEvent>}
   */
  async *#events(message, signal) {
    const clientId = this.getAttribute("client-id") ?? undefined;
    const body = {
      client_id: clientId,
      message,
      conversation_id: this.conversationId,
      voice: this.getAttribute("voice") ?? undefined,
      audio: this.hasAttribute("muted") ? "none" : (this.getAttribute("audio") ?? undefined),
    };
    const url = `${serviceOf(this)}/api/chat`;
    const tokenUrl = this.getAttribute("token-url");
    try {
      if (tokenUrl && !this.#token) this.#token = await fetchToken(tokenUrl, { clientId, signal });
      yield* askService(url, { body, token: this.getAttribute("token") ?? this.#token, signal });
    } catch (cause) {
      if (!tokenUrl || !(cause instanceof Problem) || cause.status !== 401) throw cause;
      this.#token = await fetchToken(tokenUrl, { clientId, signal });
      yield* askService(url, { body, token: this.#token, signal });
    }
  }

  /** @param {Reading} reading @param {string} text @param {Spoken} spoken */
  #speak(reading, text, { audio_url, audio }) {
    if (this.hasAttribute("muted") || SILENT.has(audio?.reason ?? "")) return;
    reading.add({ text, url: audio_url });
    // Behind a closed bubble nobody expects a voice.
    if (reading.state === "idle" && !this.#panel.hidden) reading.play();
  }

  /** @param {Message} answer @param {{cause: unknown, message: string}} failure */
  #fail(answer, { cause, message }) {
    const problem = cause instanceof Problem ? cause : new Problem("");
    const lines = [answer.node.previousElementSibling, answer.node];
    answer.fail(problem.message, () => {
      lines.forEach((line) => line?.remove());
      this.ask(message);
      this.#input.focus();
    });
    this.#follow();
    this.dispatchEvent(new CustomEvent("recite-problem", { detail: { code: problem.code, message: problem.message } }));
  }

  /** Keeps the newest in sight, unless somebody reads further up. */
  #follow() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    if (scrollHeight - scrollTop - clientHeight < FOLLOWED_PIXELS) this.#log.scrollTop = scrollHeight;
  }

  #send() {
    const message = this.#input.value.trim();
    if (!message) return;
    this.#input.value = "";
    // Browsers that forbid sound without a gesture see one here.
    if (!this.hasAttribute("muted")) unlockSound();
    this.ask(message);
  }

  /** @param {"user" | "assistant"} role */
  #message(role) {
    const message = new Message(role);
    this.#log.append(message.node);
    this.#log.scrollTop = this.#log.scrollHeight;
    return message;
  }

  /** In the open dialog Tab goes round, and Escape closes it. @param {KeyboardEvent} event */
  #keepFocus(event) {
    if (this.isInline) return;
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      this.close();
    }
    if (event.key !== "Tab") return;
    const stops = [...this.#panel.querySelectorAll("button, textarea, [tabindex]")].filter((stop) =>
      stop.checkVisibility(),
    );
    const [first, last] = [stops[0], stops[stops.length - 1]];
    const leaving = event.shiftKey ? first : last;
    if (this.shadowRoot?.activeElement !== leaving) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (event.shiftKey ? last : first).focus();
  }

  #show() {
    const isOpen = this.isInline || this.hasAttribute("open");
    this.#panel.hidden = !isOpen;
    this.#panel.setAttribute("role", this.isInline ? "region" : "dialog");
    this.#panel.toggleAttribute("aria-modal", false);
    if (!this.isInline) this.#panel.ariaModal = "true";
    this.#bubble.hidden = isOpen;
    this.#heading.textContent = this.getAttribute("title") || WORDS.title;
    const placeholder = this.getAttribute("placeholder") ?? WORDS.placeholder;
    this.#input.placeholder = this.#input.ariaLabel = placeholder;
    if (this.hasAttribute("muted")) changeButton(this.#sound, "soundOff", WORDS.soundOn);
    else changeButton(this.#sound, "soundOn", WORDS.soundOff);
  }
}
