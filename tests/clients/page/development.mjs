// The test page of `socklet dev` in a real browser: an edit is seen at once. SOCKLET_URL is the
// server, SOCKLET_PROJECT the folder of a project made of the template hello in C, `trial`.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

test('the page comes back to each new version, and says which that is', { timeout: 120_000 }, async () => {
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    const complaints = [];
    page.on('console', message => complaints.push(message.text()));
    page.on('pageerror', error => complaints.push(error.stack));
    await page.goto(new URL('/trial', process.env.SOCKLET_URL).href);
    const shown = text => page.waitForFunction(text =>
      [...document.querySelectorAll('[data-testid=line] .body')].some(body => body.textContent === text), text);
    await page.locator('#generation', { hasText: 'generation 1' }).waitFor();
    await page.click('#connect');
    await shown('Hello!');
    const source = join(process.env.SOCKLET_PROJECT, 'hello.c');
    const text = await readFile(source, 'utf8');
    await writeFile(source, text.replaceAll('Hello!', 'Hello again!'));
    await shown('Hello again!');
    await page.locator('#generation', { hasText: 'generation 2' }).waitFor();
    await page.locator('body[data-state=open]').waitFor();
    assert.deepEqual(complaints, [], 'the console is quiet');
  } finally {
    await browser.close();
  }
});
