// What the clients' tests share. Each test gets, in the environment, the port of
// a server without a password and that of one with a password.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";

export { assert };

export const port = Number(process.env.TROUPE_PORT);
export const guardedPort = Number(process.env.TROUPE_GUARDED_PORT);
export const password = process.env.TROUPE_TEST_PASSWORD;

// A file with the certificate that vouches for both, when they speak TLS.
const authority = process.env.TROUPE_TEST_CA;
export const tls = authority ? { ca: fs.readFileSync(authority) } : undefined;

// Milliseconds. The machine may be busy.
export const connectTimeout = 120_000;

// As node-redis wants it.
export const address = { host: "127.0.0.1", port, connectTimeout, ...(tls && { tls: true, ...tls }) };

// Every byte, more than once, and far more than one read of a socket.
export const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
export const megabyte = crypto.randomBytes(1 << 20);

// A machine may be slow, but not by minutes.
export function assertTtl(actual, given) {
  assert.ok(actual > given - 300 && actual <= given, `a TTL of ${actual} s, given ${given} s`);
}

const steps = [];

export function step(name, run) {
  steps.push({ name, run });
}

// Runs the steps in order; the first that fails ends the program.
export async function runAll(title) {
  for (const { name, run } of steps) {
    try {
      await run();
    } catch (error) {
      console.error(`${title}: ${name}: FAILED`);
      console.error(error);
      process.exit(1);
    }
    console.log(`${title}: ${name}: ok`);
  }
}

// A promise and what settles it.
export function later() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
