// usage: node node_redis.js PACKAGE

import { address, assert, assertTtl, everyByte, guardedPort, later, megabyte, password, runAll, step } from "./common.js";

const name = process.argv[2];
const { createClient, commandOptions, RESP_TYPES } = await import(name);
const isOld = name === "redis4";

function connect(options = {}) {
  const client = createClient({ socket: { ...address, reconnectStrategy: false }, ...options });
  client.on("error", () => {});
  return client.connect().then(() => client);
}

// Version 5 and 6 speak both; 4 only RESP2.
for (const RESP of isOld ? [2] : [2, 3]) {
  const protocol = isOld ? {} : { RESP };
  const title = (text) => `${text} (RESP${RESP})`;
  let client;

  step(title("connects under a name"), async () => {
    client = await connect({ ...protocol, name: "a-test" });
    assert.equal(await client.ping(), "PONG");
    assert.equal(await client.clientGetName(), "a-test");
    await client.flushAll();
  });

  step(title("strings and numbers"), async () => {
    assert.equal(await client.set("k", "v"), "OK");
    assert.equal(await client.get("k"), "v");
    assert.equal(await client.set("k", "w", { NX: true }), null);
    assert.equal(await client.getDel("k"), "v");
    assert.equal(await client.get("k"), null);
    assert.equal(await client.incrBy("n", 5), 5);
    assert.deepEqual(await client.mGet(["n", "missing"]), ["5", null]);
    assert.equal(await client.mSet({ a: "1", b: "2" }), "OK");
    assert.equal(await client.del(["a", "b", "n"]), 3);
  });

  step(title("binary and large values"), async () => {
    await client.set(everyByte, everyByte);
    await client.set("large", megabyte);
    const read = isOld
      ? (key) => client.get(commandOptions({ returnBuffers: true }), key)
      : (key) => client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get(key);
    assert.deepEqual(await read(everyByte), everyByte);
    assert.deepEqual(await read("large"), megabyte);
  });

  step(title("leases of missing keys"), async () => {
    const other = await connect(protocol);
    const [state, token] = await client.sendCommand(["GETL", "leased", "0"]);
    assert.equal(state, "lease");
    const waiting = other.sendCommand(["GETL", "leased", "60000"]);
    assert.deepEqual(await client.sendCommand(["GETL", "leased", "0"]), ["busy", null]);
    assert.equal(await client.sendCommand(["SETL", "leased", "wrong", "v"]), null);
    assert.equal(await client.sendCommand(["SETL", "leased", token, "v", "TAGS", "1", "tag"]), "OK");
    assert.deepEqual(await waiting, ["value", "v"]);
    assert.equal(await client.sendCommand(["TAGDEL", "tag"]), 1);
    assert.equal(await client.exists("leased"), 0);
    await other.disconnect();
  });

  step(title("expiry"), async () => {
    await client.set("short", "v", { EX: 1000 });
    assertTtl(await client.ttl("short"), 1000);
    assert.equal(await client.getEx("short", isOld ? { PERSIST: true } : { type: "PERSIST" }), "v");
    assert.equal(await client.ttl("short"), -1);
  });

  step(title("10,000 commands at once"), async () => {
    const replies = await Promise.all(
      Array.from({ length: 10000 }, (_, i) =>
        i % 2 === 0 ? client.set(`p:${i}`, `${i}`) : client.get(`p:${i - 1}`)));
    replies.forEach((value, i) => assert.equal(value, i % 2 === 0 ? "OK" : `${i - 1}`));
  });

  step(title("a scan finds every key"), async () => {
    const found = new Set();
    for await (const keys of client.scanIterator({ MATCH: "p:*", COUNT: 100 }))
      (Array.isArray(keys) ? keys : [keys]).forEach((key) => found.add(key));
    assert.equal(found.size, 5000);
  });

  step(title("transactions"), async () => {
    assert.deepEqual(await client.multi().set("t", "1").incr("t").get("t").exec(), ["OK", 2, "2"]);
  });

  step(title("publish and subscribe"), async () => {
    const subscriber = await connect(protocol);
    const message = later();
    const matched = later();
    await subscriber.subscribe("news", (text, channel) => message.resolve([channel, text]));
    await subscriber.pSubscribe("n?ws", (text, channel) => matched.resolve([channel, text]));
    assert.equal(await client.publish("news", "hello"), 2);
    assert.deepEqual(await message.promise, ["news", "hello"]);
    assert.deepEqual(await matched.promise, ["news", "hello"]);
    await subscriber.unsubscribe("news");
    await subscriber.pUnsubscribe("n?ws");
    assert.equal(await client.publish("news", "nobody"), 0);
    await (isOld ? subscriber.disconnect() : subscriber.close());
  });

  step(title("databases are apart"), async () => {
    const other = await connect({ ...protocol, database: 3 });
    await other.set("only-in-3", "v");
    assert.equal(await client.exists("only-in-3"), 0);
    await other.flushDb();
    await (isOld ? other.disconnect() : other.close());
  });

  step(title("a password is asked for and checked"), async () => {
    const socket = { ...address, port: guardedPort, reconnectStrategy: false };
    const guarded = await connect({ ...protocol, socket, password });
    assert.equal(await guarded.set("k", "v"), "OK");
    await (isOld ? guarded.disconnect() : guarded.close());
    await assert.rejects(connect({ ...protocol, socket, password: "wrong" }), /WRONGPASS/);
    await assert.rejects(connect({ ...protocol, socket }).then((x) => x.get("k")), /NOAUTH/);
  });

  step(title("errors name what is wrong"), async () => {
    await assert.rejects(client.sendCommand(["NOPE"]), /unknown command/);
    await assert.rejects(client.sendCommand(["GET"]), /wrong number of arguments/);
    await (isOld ? client.disconnect() : client.close());
  });
}

await runAll(name);
process.exit(0);
