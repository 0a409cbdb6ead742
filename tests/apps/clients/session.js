// usage: node session.js
//
// A web application that keeps its sessions in the server: express,
// express-session, connect-redis.

import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis5";
import { address, assert, runAll, step } from "./common.js";

const client = createClient({ socket: address });
client.on("error", () => {});
await client.connect();
await client.flushAll();

const application = express();
application.use(session({
  store: new RedisStore({ client, prefix: "session:", ttl: 600 }),
  secret: "for this test only",
  resave: false,
  saveUninitialized: false,
}));
application.get("/", (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1;
  response.send(`${request.session.visits}`);
});
application.get("/leave", (request, response) => {
  request.session.destroy(() => response.send("left"));
});
const server = application.listen(0, "127.0.0.1");
await new Promise((listening) => server.once("listening", listening));
const url = `http://127.0.0.1:${server.address().port}`;
let cookie;

async function get(path) {
  const response = await fetch(url + path, { headers: cookie ? { cookie } : {} });
  cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
  return response.text();
}

step("a session is kept between requests", async () => {
  assert.equal(await get("/"), "1");
  assert.equal(await get("/"), "2");
  assert.equal(await get("/"), "3");
});

step("it lives in the server, with a TTL", async () => {
  const keys = await client.keys("session:*");
  assert.equal(keys.length, 1);
  assert.equal(JSON.parse(await client.get(keys[0])).visits, 3);
  const ttl = await client.ttl(keys[0]);
  assert.ok(ttl > 0 && ttl <= 600, `TTL ${ttl}`);
});

step("another browser gets another session", async () => {
  const mine = cookie;
  cookie = undefined;
  assert.equal(await get("/"), "1");
  cookie = mine;
  assert.equal(await get("/"), "4");
});

step("who leaves is forgotten", async () => {
  assert.equal(await get("/leave"), "left");
  assert.equal(await get("/"), "1");
});

await runAll("connect-redis");
process.exit(0);
