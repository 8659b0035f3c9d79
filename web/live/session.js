// @ts-check
/** @file Asks the relay for a session: POST /sessions. */

import { LiveProblem, sessionProblem } from "./problems.js";

/**
 * @typedef {object} SessionWish
 * @property {string | URL} url of POST /sessions, or of a page's own backend that answers the same way
 * @property {string} [apiKey]
 * @property {Record<string, unknown>} body
 * @property {AbortSignal} signal
 */

/** The new session's WebSocket address; throws a LiveProblem. @param {SessionWish} wish */
export async function createSession({ url, apiKey, body, signal }) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/json" };
  if (apiKey) headers.Authorization = `Bearer ${apiKey}`;
  const response = await post(url, { method: "POST", headers, body: JSON.stringify(body), signal });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw sessionProblem(response.status, { code: answer.code, hasKey: Boolean(apiKey) });
  const address = new URL(answer.websocket_url, response.url);
  address.protocol = address.protocol.replace("http", "ws");
  return address;
}

/** @param {string | URL} url @param {RequestInit} request */
async function post(url, request) {
  try {
    return await fetch(url, request);
  } catch (cause) {
    throw new LiveProblem("service_away", { cause });
  }
}
