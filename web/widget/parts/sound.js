/** @file The page's one voice: two audio elements in turn, the browser's own speech, and who may use them. */

/** @typedef {{yieldSound: () => void}} Speaking whoever makes sound, and stops when another begins */

const SILENCE = "data:audio/wav;base64,UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQgAAAAAAAAAAAAAAA==";
// Longer than the service holds an answer back before it says that there is no sound.
const SOUND_MS = 30_000;
// A browser without voices takes the text and tells nothing, ever.
const SPEECH_MS = 4_000;
const LONGEST_SPEECH = 200;

/** @type {Speaking | undefined} */
let speaking;

/** Stops who speaks, on this whole page. @param {Speaking} who */
function takeSound(who) {
  if (speaking !== who) speaking?.yieldSound();
  speaking = who;
}

/** Two: the next sentence loads while one is heard. Always the same, since Safari trusts elements one by one. */
const decks = [0, 1].map(() => ({ audio: new Audio(), url: "", isTrusted: false }));
let playing = 0;

/** Lets both speak later on; only within a click or a key press does it help. */
function unlockSound() {
  for (const deck of decks.filter(({ url, isTrusted }) => !url && !isTrusted)) {
    deck.audio.src = SILENCE;
    deck.audio.play().then(
      () => (deck.isTrusted = true),
      () => {},
    );
  }
}

/** @typedef {typeof decks[number]} Deck */
/** @param {Deck} deck @param {string} url */
function load(deck, url) {
  deck.url = deck.audio.src = url;
  deck.audio.preload = "auto";
  deck.audio.load();
}

/** Loads what will be heard next. @param {string} url */
function prepareSound(url) {
  if (decks[playing].url !== url && decks[1 - playing].url !== url) load(decks[1 - playing], url);
}

/** Forgets what is loaded: nothing is fetched any more. */
function dropSound() {
  for (const deck of decks) {
    deck.url = "";
    deck.audio.pause();
    deck.audio.removeAttribute("src");
    deck.audio.load();
  }
}

/**
 * Plays to the end, from where it was paused if it is still loaded.
 * @param {string} url
 * @param {{signal: AbortSignal, onSound: (isHeard: boolean) => void, onPause: () => void}} options
 * @returns {Promise<void>} rejected when it can't be played, with a NotAllowedError when the browser wants a tap first
 */
async function hear(url, { signal, onSound, onPause }) {
  const usable = decks.findIndex(({ url: held, audio }) => held === url && !audio.ended && !audio.error);
  playing = usable < 0 ? 1 - playing : usable;
  if (usable < 0) load(decks[playing], url);
  const { audio } = decks[playing];
  const handlers = new AbortController();
  try {
    await new Promise((resolve, reject) => {
      const on = (/** @type {string} */ name, /** @type {() => void} */ act) =>
        audio.addEventListener(name, act, { signal: handlers.signal });
      let late = setTimeout(reject, SOUND_MS);
      const wait = () => {
        clearTimeout(late);
        late = setTimeout(reject, SOUND_MS);
      };
      on("ended", () => resolve(undefined));
      on("error", () => reject(audio.error));
      on("waiting", () => (wait(), onSound(false)));
      on("playing", () => (clearTimeout(late), onSound(true)));
      // By a media key, or because the headphones were pulled out.
      on("pause", () => audio.paused && !audio.ended && onPause());
      signal.addEventListener("abort", reject, { signal: handlers.signal });
      handlers.signal.addEventListener("abort", () => clearTimeout(late));
      audio.play().catch(reject);
    });
  } finally {
    handlers.abort();
    if (!audio.ended) audio.pause();
  }
}

/** By the browser's own voice. @param {string} text @param {{lang: string, signal: AbortSignal}} options */
async function sayByBrowser(text, { lang, signal }) {
  for (const piece of pieces(plain(text))) {
    await sayPiece(Object.assign(new SpeechSynthesisUtterance(piece), { lang }), signal);
    signal.throwIfAborted();
  }
}

/** @param {SpeechSynthesisUtterance} utterance @param {AbortSignal} signal */
async function sayPiece(utterance, signal) {
  const ended = new AbortController();
  try {
    await new Promise((resolve, reject) => {
      const silent = setTimeout(reject, SPEECH_MS);
      utterance.onstart = utterance.onboundary = () => clearTimeout(silent);
      utterance.onend = resolve;
      utterance.onerror = ({ error }) =>
        reject(new DOMException(error, error === "not-allowed" ? "NotAllowedError" : ""));
      signal.addEventListener("abort", reject, { signal: ended.signal });
      ended.signal.addEventListener("abort", () => clearTimeout(silent));
      speechSynthesis.speak(utterance);
    });
  } catch (cause) {
    speechSynthesis.cancel();
    throw cause;
  } finally {
    ended.abort();
  }
}

/** What of an answer's Markdown is to be said. @param {string} markdown */
function plain(markdown) {
  return markdown
    .replace(/```[^]*?(```|$)/g, " ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*([#>]+|[-*+](?=\s)|\|)/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\p{Extended_Pictographic}/gu, "")
    .trim();
}

/** Sentences, none of them long: browsers stop in the middle of those. @param {string} text */
function pieces(text) {
  const sentences = text.match(/[^.!?。！？؟\n]+[.!?。！？؟\n]*/g) ?? [];
  return sentences
    .flatMap(
      (sentence) => sentence.match(new RegExp(`[^]{1,${LONGEST_SPEECH}}(?=\\s|$)|[^]{1,${LONGEST_SPEECH}}`, "g")) ?? [],
    )
    .map((piece) => piece.trim())
    .filter((piece) => /[\p{L}\p{N}]/u.test(piece));
}
