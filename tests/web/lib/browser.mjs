// The chat page in a browser: Debian's Chromium, or the one that CHROMIUM names.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';

const SCREENSHOTS = new URL('../../../target/screenshots/', import.meta.url).pathname;

/** Starts a browser. Every name ends at this machine, so that the page can be one of another machine. */
export function launch() {
  mkdirSync(SCREENSHOTS, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * 127.0.0.1',
    ],
  });
}

/** Opens the chat page with nothing stored yet. Every error of the page fails the test. */
export async function open(t, browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 }, ...options });
  const errors = [];
  context.on('weberror', error => errors.push(error.error().message));
  context.on('console', message => {
    // What is not there is told in the console, and so is what the page's policy has kept from running.
    const expected = /Failed to load resource|Executing inline event handler violates/;
    if (message.type() === 'error' && !expected.test(message.text())) errors.push(message.text());
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(errors, []);
  });
  await context.addInitScript(() => {
    // The longest time that the page has answered to nothing, in ms.
    globalThis.longestBlock = 0;
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      globalThis.longestBlock = Math.max(globalThis.longestBlock, now - last);
      last = now;
    }, 10);
  });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Sends a message. A long one is not typed. */
export async function say(page, text) {
  const input = page.getByRole('textbox', { name: 'Your message' });
  if (text.length < 1000) await input.fill(text);
  else await input.evaluate((element, text) => (element.value = text), text);
  await input.press('Enter');
}

export const lastAnswer = page => page.locator('.message.assistant').last();

/** Waits until the last answer has this text. */
export const answer = (page, text) => lastAnswer(page).getByText(text).first().waitFor();

/** Waits until the last answer has come to its end, and all of it is shown. */
export const ended = page => page.getByRole('button', { name: 'Send' }).waitFor();

/** What the last answer reads like now. */
export const read = page => lastAnswer(page).innerText();

export const shoot = (page, name) => page.screenshot({ path: `${SCREENSHOTS}${name}.png` });

export const focused = page => page.evaluate(() => document.activeElement.id || document.activeElement.localName);

export const selected = page => page.evaluate(() => getSelection().toString());

/** Selects some text of the last answer with the mouse, by a double click on a word. */
export const selectWord = (page, text) => lastAnswer(page).getByText(text).first().dblclick({ position: { x: 8, y: 10 } });
