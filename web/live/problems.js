// @ts-check
/** @file What can go wrong, in words for the person who speaks: what it is, and what to do. */

/** A reason why there is no conversation, or no longer. `code` is stable, `message` and `action` are sentences. */
export class LiveProblem extends Error {
  /** @param {string} code a key of WORDS, or the service's own @param {{message?: string, cause?: unknown}} [more] */
  constructor(code, { message, cause } = {}) {
    const [said, action] = WORDS[code] ?? [message ?? WORDS.internal[0], AGAIN];
    super(said, { cause });
    this.name = "LiveProblem";
    this.code = code;
    this.action = action;
  }
}

const AGAIN = "Press Start to begin again.";
const LATER = "Please try again in a minute.";

/** @type {Record<string, [message: string, action: string]>} */
const WORDS = {
  insecure_page: [
    "The browser gives the microphone only to secure pages.",
    "Open this page by https://, or by localhost on this computer.",
  ],
  unsupported_browser: ["This browser can't do live voice.", "Use a recent Chrome, Edge, Firefox or Safari."],
  permission_denied: [
    "This page may not use the microphone.",
    "Allow the microphone beside the address or in the browser's settings, then press Start.",
  ],
  no_microphone: ["There is no microphone.", "Connect one, then press Start."],
  microphone_busy: [
    "The microphone can't be opened.",
    "Another program may be using it: close that one, then press Start.",
  ],
  microphone_lost: ["The microphone was disconnected.", "Connect it again, then press Start."],
  sound_blocked: ["The browser holds the sound back.", AGAIN],
  key_needed: ["This service asks for a key.", "Enter your key to begin."],
  key_refused: ["This key is not accepted here.", "Check it, or ask whoever runs this service."],
  foreign_page: ["The service does not serve this page.", "Ask whoever runs it to allow this page's address."],
  refused: ["The service did not accept what this page asked for.", "Choose another voice, then press Start."],
  service_away: ["The voice service can't be reached.", LATER],
  connection_lost: ["The connection was lost and did not come back.", "Check your network, then press Start."],
  stopped: ["The conversation has ended.", AGAIN],
  ended: ["The conversation was ended by the service.", AGAIN],
  idle: ["The conversation ended because nobody spoke for a while.", AGAIN],
  max_duration: ["The conversation reached its longest time.", AGAIN],
  going_away: ["The voice service is being restarted.", LATER],
  too_many_messages: ["This page sent more than the service takes.", AGAIN],
  message_too_big: ["This page sent more at once than the service takes.", AGAIN],
  voice_error: ["The voice did not accept something.", "The conversation goes on."],
  internal: ["Something went wrong in the voice service.", AGAIN],
  bad_token: ["The conversation could not be taken up again.", AGAIN],
  unknown_session: ["The conversation is over and can't be taken up again.", AGAIN],
  client_too_slow: ["The connection is too slow for live voice.", "Try a better network, then press Start."],
  in_use: ["This conversation is already open in another place.", "End it there, or press Start for a new one."],
  too_many_sessions: ["You have as many conversations open as are allowed.", "End one of them, then press Start."],
  spend_limit: ["No more may be spent on voices today.", "Come back tomorrow."],
  upstream_lost: ["The voice was lost in the middle of the conversation.", AGAIN],
  upstream_ended: ["The voice ended the conversation.", AGAIN],
  unavailable: ["The voice service lacks something that it needs.", LATER],
  upstream_unavailable: ["The voice can't be reached.", LATER],
  upstream_timeout: ["The voice did not answer in time.", LATER],
  upstream_busy: ["All lines are busy.", LATER],
  upstream_refused: ["The service isn't set up right.", "Tell whoever runs it; trying again won't help yet."],
};

/** @type {Record<string, string>} by the names of getUserMedia's errors */
const MICROPHONE = {
  NotAllowedError: "permission_denied",
  SecurityError: "permission_denied",
  NotFoundError: "no_microphone",
  OverconstrainedError: "no_microphone",
  NotReadableError: "microphone_busy",
  AbortError: "microphone_busy",
};

/** @param {unknown} cause what getUserMedia threw */
export function microphoneProblem(cause) {
  const name = cause instanceof Error ? cause.name : "";
  return new LiveProblem(MICROPHONE[name] ?? "microphone_busy", { cause });
}

/** @type {Record<number, string>} by the HTTP status of POST /sessions */
const STATUSES = { 401: "key_needed", 403: "key_refused", 429: "too_many_sessions" };

/** @param {number} status @param {{code?: string, hasKey: boolean}} answer its problem document's code; a key was sent */
export function sessionProblem(status, { code, hasKey }) {
  if (code && code in WORDS) return new LiveProblem(code);
  if (status === 401 && hasKey) return new LiveProblem("key_refused");
  return new LiveProblem(STATUSES[status] ?? (status < 500 ? "refused" : "service_away"));
}

/** @type {Record<number, string>} by close codes that came without a word */
const CODES = {
  1000: "ended",
  1001: "going_away",
  1009: "message_too_big",
  1011: "internal",
  1013: "unavailable",
  4401: "bad_token",
  4402: "spend_limit",
  4403: "upstream_refused",
  4404: "unknown_session",
  4408: "client_too_slow",
  4409: "in_use",
  4429: "too_many_sessions",
  4502: "upstream_lost",
  4503: "upstream_unavailable",
  4504: "upstream_timeout",
  4529: "upstream_busy",
};

/** @param {{code?: number, reason?: string, message?: string}} closing */
export function closingProblem({ code = 1006, reason, message }) {
  if (reason && (reason in WORDS || message)) return new LiveProblem(reason, { message });
  return new LiveProblem(CODES[code] ?? "connection_lost");
}
