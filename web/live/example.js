// @ts-check
/** @file The smallest use of recite-live.js: one button, the state, the last thing said. */

import { ReciteLive } from "./recite-live.js";

/** @param {string} selector @returns {HTMLElement} */
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));

const live = new ReciteLive({ voice: "eve", instructions: "You greet visitors. One short sentence at a time." });

live.on("state", ({ state }) => (find("#state").textContent = state));
live.on("transcript", ({ role, text }) => (find("#said").textContent = `${role}: ${text}`));
live.on("error", ({ message, action }) => (find("#said").textContent = `${message} ${action}`));

find("#talk").addEventListener("click", () => (live.isActive ? live.stop() : live.start()));
