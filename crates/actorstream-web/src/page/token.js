// The dialog for the token that the relay requires.

import * as storage from "./storage.js";

const $ = (id) => document.getElementById(id);

/** Asks for a token and stores it for all tabs. `why` is what was wrong with the previous one. */
export function askForToken(why) {
  const form = $("login");
  $("login-error").textContent = why;
  form.hidden = false;
  $("form").hidden = true;
  $("token").value = "";
  $("token").focus();
  return new Promise((resolve) => {
    const listening = new AbortController();
    const done = () => {
      listening.abort();
      form.hidden = true;
      $("form").hidden = false;
      $("input").focus();
      resolve();
    };
    const { signal } = listening;
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        const token = $("token").value.trim();
        if (!/^[\x21-\x7e]+$/.test(token)) {
          $("login-error").textContent = "A token has letters, digits and signs, and no spaces.";
          return;
        }
        storage.set(storage.TOKEN, token);
        done();
      },
      { signal },
    );
    // The token was entered in another tab.
    const isToken = (event) => event.key === storage.TOKEN && event.newValue;
    window.addEventListener("storage", (event) => isToken(event) && done(), { signal });
  });
}
