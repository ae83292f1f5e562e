// `npm run portal`: Foodie, a small product with customers, and the portal of Fanfare in it, as a link and as a part of a page. It uses the
// Fanfare of FANFARE_URL, or starts one of its own, whose data is removed at the end.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client, type Project } from "@fanfare/sdk";
import { generateSecretKey, startServer } from "@fanfare/server";

import { Product } from "./product.ts";

const { PORT = "3000", FANFARE_URL, FANFARE_KEY, FANFARE_PROJECT } = process.env;

interface Fanfare extends AsyncDisposable {
	readonly project: Project;
	readonly url: string;
}

/** The Fanfare of the environment. It must be told the origin of the product: see docs/portal.md. */
async function useFanfare(url: string): Promise<Fanfare> {
	if (FANFARE_KEY === undefined) throw new Error("FANFARE_KEY must be a key of the Fanfare of FANFARE_URL, got none");
	const projects = await new Client(FANFARE_KEY, { endpoint: url }).listProjects();
	const project = FANFARE_PROJECT === undefined ? projects[0] : projects.find(({ id }) => id === FANFARE_PROJECT);
	if (project === undefined) throw new Error("FANFARE_PROJECT must be a project that FANFARE_KEY opens");
	return { project, url, [Symbol.asyncDispose]: async () => {} };
}

/** A Fanfare in this process, with an empty store. Customers may register the endpoints of this machine, for a try. */
async function startFanfare(origin: string): Promise<Fanfare> {
	const home = mkdtempSync(join(tmpdir(), "fanfare-portal-"));
	const adminKey = generateSecretKey();
	const server = await startServer({
		port: 0,
		dataDir: home,
		adminKey,
		portalOrigins: [origin],
		egressAddresses: ["127.0.0.1"],
		allowHttp: true,
		allowNetworks: ["127.0.0.0/8"],
		allowForCustomers: true,
		logLevel: "warn",
	});
	const [project] = await new Client(adminKey, { endpoint: server.url }).listProjects();
	if (project === undefined) throw new Error("a new server has a project");
	const dispose = async () => {
		await server.stop();
		rmSync(home, { recursive: true, force: true });
	};
	return { project, url: server.url, [Symbol.asyncDispose]: dispose };
}

/** Resolves when somebody ends the program. */
function stopped(): Promise<unknown> {
	return new Promise((resolve) => {
		for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
	});
}

/** Listens on a port of this machine; 0 for any that is free. Throws a sentence if that is not possible. */
async function listen(port: string): Promise<Server> {
	const site = createServer();
	try {
		site.listen({ port: Number(port), host: "127.0.0.1" });
		await once(site, "listening");
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		const advice = "Choose another one: PORT=3002 npm run portal";
		throw new Error(`Foodie can't listen on port ${port} (${reason}). ${advice}`, { cause: error });
	}
	return site;
}

async function main(): Promise<void> {
	// The product's port is known first, since Fanfare must be told its origin.
	const site = await listen(PORT);
	const origin = `http://localhost:${(site.address() as AddressInfo).port}`;
	const ended = stopped();
	await using fanfare = await (FANFARE_URL === undefined ? startFanfare(origin) : useFanfare(FANFARE_URL));
	const product = new Product(fanfare.project, fanfare.url, origin);
	await product.describeEvents();
	site.on("request", (request, response) => void product.answer(request, response));

	console.log(`Foodie is at ${origin}, and Fanfare at ${fanfare.url}.`);
	if (FANFARE_URL !== undefined)
		console.log(`That Fanfare must have been started with FANFARE_PORTAL_ORIGINS=${origin}.`);
	console.log("Sign in as one of two customers, add an endpoint and place an order. End with Ctrl+C.");

	await ended;
	site.closeAllConnections();
	site.close();
}

try {
	await main();
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exit(1);
}
