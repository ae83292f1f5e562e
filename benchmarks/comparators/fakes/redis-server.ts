// Stands in for redis-server in tests: it hands each line of JSON that is pushed to a connection that takes. It keeps nothing.
import { appendFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values } = parseArgs({ strict: false, options: { port: { type: "string" }, version: { type: "boolean" } } });
const jobs: string[] = [];
let taker: Socket | null = null;

function answer(line: string, socket: Socket): void {
	const [command, rest = ""] = line.split(/ (.*)/s);
	if (command === "TAKE") taker = socket;
	if (command === "PUSH") jobs.push(rest);
	socket.write(command === "PING" ? "+PONG\r\n" : "+OK\r\n");
	if (taker !== null) for (const job of jobs.splice(0)) taker.write(`${job}\r\n`);
}

if (values["version"] === true) process.stdout.write("Redis server v=0.0.1-fake\n");
else {
	appendFileSync(process.env["FAKES_LOG"] ?? "/dev/null", `${process.pid}\n`);
	const server = createServer((socket) => {
		socket.on("error", () => socket.destroy());
		createInterface({ input: socket }).on("line", (line) => answer(line, socket));
	});
	server.listen(Number(values["port"]), "127.0.0.1");
}
