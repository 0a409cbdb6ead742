// usage: node ioredis.js PACKAGE

import { assert, assertTtl, connectTimeout, everyByte, guardedPort, later, megabyte, password, port, runAll, step, tls } from "./common.js";

const name = process.argv[2];
const { Redis } = await import(name);
const options = { port, host: "127.0.0.1", maxRetriesPerRequest: 1, connectTimeout, tls };
const redis = new Redis(options);
redis.on("error", () => {});

step("connects and is ready", async () => {
  assert.equal(await redis.ping(), "PONG");
  assert.equal(await redis.flushall(), "OK");
});

step("strings and numbers", async () => {
  assert.equal(await redis.set("k", "v"), "OK");
  assert.equal(await redis.get("k"), "v");
  assert.equal(await redis.set("k", "w", "NX"), null);
  assert.equal(await redis.getset("k", "x"), "v");
  assert.equal(await redis.append("k", "yz"), 3);
  assert.equal(await redis.incrby("n", 5), 5);
  assert.equal(await redis.incrbyfloat("n", 0.5), "5.5");
  assert.deepEqual(await redis.mget("k", "n", "missing"), ["xyz", "5.5", null]);
  assert.equal(await redis.del("k", "n"), 2);
});

step("binary and large values", async () => {
  await redis.set(everyByte, everyByte);
  assert.deepEqual(await redis.getBuffer(everyByte), everyByte);
  await redis.set("large", megabyte);
  assert.deepEqual(await redis.getBuffer("large"), megabyte);
});

step("leases of missing keys", async () => {
  const other = redis.duplicate();
  const [state, token] = await redis.call("GETL", "leased", 0);
  assert.equal(state, "lease");
  const waiting = other.call("GETL", "leased", 60000);
  assert.deepEqual(await redis.call("GETL", "leased", 0), ["busy", null]);
  assert.equal(await redis.call("SETL", "leased", "wrong", "v"), null);
  assert.equal(await redis.call("SETL", "leased", token, "v", "TAGS", 1, "tag"), "OK");
  assert.deepEqual(await waiting, ["value", "v"]);
  assert.equal(await redis.call("TAGDEL", "tag"), 1);
  assert.equal(await redis.exists("leased"), 0);
  other.disconnect();
});

step("expiry", async () => {
  await redis.set("short", "v", "EX", 1000);
  assertTtl(await redis.ttl("short"), 1000);
  assert.equal(await redis.persist("short"), 1);
  assert.equal(await redis.ttl("short"), -1);
  assert.equal(await redis.pexpire("short", -1), 1);
  assert.equal(await redis.exists("short"), 0);
});

step("a pipeline of 10,000 commands", async () => {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 5000; ++i) {
    pipeline.set(`p:${i}`, `${i}`);
    pipeline.get(`p:${i}`);
  }
  const replies = await pipeline.exec();
  assert.equal(replies.length, 10000);
  replies.forEach(([error, value], i) => {
    assert.equal(error, null);
    assert.equal(value, i % 2 === 0 ? "OK" : `${(i - 1) / 2}`);
  });
});

step("a scan finds every key", async () => {
  const found = new Set();
  for await (const keys of redis.scanStream({ match: "p:*", count: 100 }))
    keys.forEach((key) => found.add(key));
  assert.equal(found.size, 5000);
});

step("transactions", async () => {
  const replies = await redis.multi().set("t", "1").incr("t").get("t").exec();
  assert.deepEqual(replies, [[null, "OK"], [null, 2], [null, "2"]]);
  const other = redis.duplicate();
  await redis.watch("t");
  await other.set("t", "7");
  assert.equal(await redis.multi().incr("t").exec(), null);
  other.disconnect();
});

step("publish and subscribe", async () => {
  const subscriber = redis.duplicate();
  const message = later();
  const matched = later();
  subscriber.on("message", (channel, text) => message.resolve([channel, text]));
  subscriber.on("pmessage", (pattern, channel, text) => matched.resolve([pattern, channel, text]));
  assert.equal(await subscriber.subscribe("news"), 1);
  assert.equal(await subscriber.psubscribe("n?ws"), 2);
  assert.equal(await redis.publish("news", "hello"), 2);
  assert.deepEqual(await message.promise, ["news", "hello"]);
  assert.deepEqual(await matched.promise, ["n?ws", "news", "hello"]);
  assert.equal(await subscriber.unsubscribe("news"), 1);
  assert.equal(await subscriber.punsubscribe("n?ws"), 0);
  assert.equal(await subscriber.ping(), "PONG");
  subscriber.disconnect();
});

step("databases are apart", async () => {
  const other = new Redis({ ...options, db: 3 });
  await other.set("only-in-3", "v");
  assert.equal(await redis.exists("only-in-3"), 0);
  assert.equal(await other.dbsize(), 1);
  await other.flushdb();
  assert.notEqual(await redis.dbsize(), 0);
  other.disconnect();
});

step("a password is asked for and checked", async () => {
  const guarded = new Redis({ ...options, port: guardedPort, password });
  assert.equal(await guarded.set("k", "v"), "OK");
  guarded.disconnect();
  const wrong = new Redis({ ...options, port: guardedPort, password: "wrong", retryStrategy: null });
  const refusal = later();
  wrong.on("error", (error) => refusal.resolve(error.message));
  assert.match(await refusal.promise, /WRONGPASS/);
  wrong.disconnect();
});

step("errors name what is wrong", async () => {
  await assert.rejects(redis.call("NOPE"), /unknown command/);
  await assert.rejects(redis.call("GET"), /wrong number of arguments/);
  await redis.set("text", "no number");
  await assert.rejects(redis.incr("text"), /not an integer/);
});

await runAll(name);
redis.disconnect();
