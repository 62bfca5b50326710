// A reader that nobody here wrote (npm llrpjs, MIT), told what to see by its arguments:
// reader.cjs REPORTS.json. Prints its port, and each ADD_ROSPEC as it understood it.
const path = require("path");
const { createRequire } = require("module");
const net = require("net");
const fs = require("fs");
const { LLRPServer, LLRPCore } = createRequire(path.join(process.argv[2], "x.js"))("llrpjs");
const reports = JSON.parse(fs.readFileSync(process.argv[3]));
const ok = { LLRPStatus: { StatusCode: "M_Success", ErrorDescription: "" } };

const free = net.createServer().listen(0, "127.0.0.1", () => {
  const { port } = free.address();
  free.close(() => serve(port));
});

async function serve(port) {
  const reader = new LLRPServer({ host: "127.0.0.1", port });
  const answer = (name, then) =>
    reader.on(name, async (message) => {
      if (name === "ADD_ROSPEC") console.log(JSON.stringify(message.toLLRPData()));
      const Response = LLRPCore[`${name}_RESPONSE`];
      await reader.send(new Response({ id: message.getMessageId(), data: ok }));
      if (then) await then();
    });
  for (const name of ["DELETE_ROSPEC", "ADD_ROSPEC", "ENABLE_ROSPEC", "CLOSE_CONNECTION"]) answer(name);
  answer("START_ROSPEC", async () => {
    await reader.send(new LLRPCore.KEEPALIVE({ id: 9000 }));
    for (const data of reports) await reader.send(new LLRPCore.RO_ACCESS_REPORT({ data }));
  });
  reader.on("KEEPALIVE_ACK", () => console.log("alive"));
  reader.on("error", (error) => console.error(error));
  await reader.listen();
  console.log(port);
}
