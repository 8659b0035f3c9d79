/** @file What the widget says itself: its labels, and what went wrong in words for the person who chats. */

/** A page's own words, by the same names: set before this script runs. @type {Record<string, string>} */
const PAGES_WORDS = /** @type {any} */ (window).reciteWords ?? {};

const WORDS = {
  title: "Chat",
  open: "Open chat",
  close: "Close chat",
  log: "Conversation",
  placeholder: "Write a message",
  send: "Send",
  soundOn: "Turn sound on",
  soundOff: "Turn sound off",
  you: "You",
  reply: "Answer",
  writing: "Writing…",
  play: "Play",
  pause: "Pause",
  stop: "Stop",
  again: "Play again",
  tap: "Tap to hear the answer",
  retry: "Try again",
  byBrowser: "Spoken by your browser",
  silent: "The sound can't be played.",
  loading: "Loading…",
  audio: "Audio",
  position: "Position",
  away: "There is no answer at the moment.",
  later: "Please try again in {seconds} seconds.",
  ...PAGES_WORDS,
};

// Nobody counts the seconds until midnight.
const LONGEST_WAIT = 600;

/** @type {Record<string, string>} by stable codes, and by HTTP status where no code is known */
const PROBLEMS = {
  offline: "The connection failed. Please check it and try again.",
  broken: "The answer broke off. Please try again.",
  token: "This page could not get permission to chat. Please reload it.",
  no_key: "This chat is not set up: the service has no key for it.",
  unknown_client: "This chat is not set up: nobody knows its client-id.",
  spend_limit: "There are no more answers today. Please come back tomorrow.",
  foreign_page: "This chat may not be used from this page.",
  401: "This chat may not be used without permission.",
  403: "This chat may not be used from this page.",
  404: "This chat is not set up.",
  413: "That message is too long.",
  422: "That message can't be answered. Please write it in another way.",
  429: "Too many messages at once.",
  ...PAGES_WORDS,
};

/** Why there is no answer; `message` is a sentence to show. */
class Problem extends Error {
  /** @param {string} code @param {{status?: number, retryAfter?: number}} [more] */
  constructor(code, { status = 0, retryAfter = 0 } = {}) {
    const later = retryAfter && retryAfter <= LONGEST_WAIT ? ` ${WORDS.later.replace("{seconds}", String(retryAfter))}` : "";
    super((PROBLEMS[code] ?? PROBLEMS[status] ?? WORDS.away) + later);
    this.code = code;
    this.status = status;
  }
}
