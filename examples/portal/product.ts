// The product: who is signed in, and what its pages and calls are. What it does with Fanfare is in `#portalSession` and `#order`.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";

import type { CreatedPortalSession, Project } from "@fanfare/sdk";

import { home, PORTAL_SCRIPT, signIn, STYLE, webhooks } from "./pages.ts";
import { USERS, type User } from "./users.ts";

const CAPABILITIES = ["webhooks.write", "secrets.rotate", "payloads.read", "deliveries.retry", "replay"] as const;
const HOUR_MS = 3_600_000;
const ORDER = {
	type: "object",
	required: ["orderId", "total"],
	properties: { orderId: { type: "string" }, total: { type: "number" } },
};

export class Product {
	readonly #project: Project;
	readonly #fanfareUrl: string;
	readonly #origin: string;
	/** Where the product plays the endpoints of its customers. */
	readonly #hooks: string;
	/** Who is signed in, by the random value of their cookie. */
	readonly #sessions = new Map<string, User>();
	#orders = 0;

	constructor(project: Project, fanfareUrl: string, origin: string) {
		this.#project = project;
		this.#fanfareUrl = fanfareUrl;
		this.#origin = origin;
		this.#hooks = `${origin.replace("localhost", "127.0.0.1")}/hooks`;
	}

	/** Tells Fanfare of the product's event types, which the portal shows with their descriptions and examples. */
	async describeEvents(): Promise<void> {
		const { eventTypes } = this.#project;
		const known = (await eventTypes.list()).data.map(({ name }) => name);
		const all = [
			{ name: "order.placed", description: "A guest has placed an order." },
			{ name: "order.cancelled", description: "A guest has cancelled an order before it was cooked." },
		];
		for (const { name, description } of all) {
			if (known.includes(name)) continue;
			await eventTypes.create({ name, description, schema: ORDER, example: { orderId: "order_1", total: 23.5 } });
		}
	}

	/** Answers a request. Never rejects. */
	async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		try {
			await this.#route(request, response);
		} catch (error) {
			console.error(error);
			if (!response.headersSent)
				send(response, 500, "text/plain", "Something went wrong: see the output of the program.");
		}
	}

	async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
		request.resume();
		const { pathname, searchParams } = new URL(request.url ?? "/", this.#origin);
		const user = this.#sessions.get(cookieOf(request));
		const call = `${request.method} ${pathname}`;
		// What anybody may have: the endpoints of two customers, of which one is broken, and the files of the pages.
		if (call === "POST /hooks/works") return send(response, 204);
		if (call === "POST /hooks/broken") return send(response, 500, "text/plain", "database is locked");
		if (call === "GET /style.css") return send(response, 200, "text/css", STYLE);
		if (call === "GET /webhooks.js") return send(response, 200, "text/javascript", PORTAL_SCRIPT);
		if (call === "GET /portal.js") return send(response, 200, "text/javascript", elementCode());
		if (call === "POST /sign-in") return this.#signIn(searchParams.get("as") ?? "", response);
		if (user === undefined) {
			return request.method === "GET"
				? this.#page(response, signIn(USERS))
				: send(response, 401, "text/plain", "Sign in.");
		}
		if (call === "GET /") return this.#page(response, home(user, this.#hooks, this.#orders));
		if (call === "GET /webhooks") return this.#page(response, webhooks(user, this.#fanfareUrl));
		if (call === "GET /portal") return redirect(response, (await this.#portalSession(user)).url);
		if (call === "POST /portal-token") {
			return send(response, 200, "text/plain", (await this.#portalSession(user)).token);
		}
		if (call === "POST /orders") {
			await this.#order(user);
			return redirect(response, "/");
		}
		if (call === "POST /sign-out") {
			this.#sessions.delete(cookieOf(request));
			return redirect(response, "/");
		}
		send(response, 404, "text/plain", `Foodie has no ${call}.`);
	}

	/** A portal session for whoever is signed in here. The customer comes from the product's own session, never from the request. */
	async #portalSession({ name, customerId }: User): Promise<CreatedPortalSession> {
		return this.#project.portalSessions.create({
			customerId,
			capabilities: [...CAPABILITIES],
			expiresInMs: HOUR_MS,
			returnUrl: `${this.#origin}/`,
			theme: { accent: "#b4430f", radius: 10 },
			actor: name,
		});
	}

	async #order({ customerId }: User): Promise<void> {
		this.#orders++;
		const data = { orderId: `order_${this.#orders}`, total: 23.5 };
		await this.#project.events.send({ type: "order.placed", data, customerId });
	}

	#signIn(as: string, response: ServerResponse): void {
		const user = USERS.find(({ customerId }) => customerId === as);
		if (user === undefined) return send(response, 400, "text/plain", "Sign in as acme or globex.");
		const id = randomUUID();
		this.#sessions.set(id, user);
		// SameSite keeps other sites from placing orders, and from getting tokens.
		response.setHeader("set-cookie", `foodie=${id}; HttpOnly; SameSite=Lax; Path=/`);
		redirect(response, "/");
	}

	/** A page may use its own files and show the portal, and nothing else. */
	#page(response: ServerResponse, html: string): void {
		const portal = new URL(this.#fanfareUrl).origin;
		const policy = `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-src ${portal}`;
		response.setHeader("content-security-policy", policy);
		send(response, 200, "text/html", html);
	}
}

function cookieOf({ headers }: IncomingMessage): string {
	return /(?:^|;\s*)foodie=([^;]+)/.exec(headers.cookie ?? "")?.[1] ?? "";
}

function send(response: ServerResponse, status: number, type = "text/plain", body = ""): void {
	response.writeHead(status, { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store" });
	response.end(body);
}

function redirect(response: ServerResponse, location: string): void {
	response.setHeader("location", location);
	send(response, 303);
}

/** The code of `<fanfare-portal>`. A bundler would do this; the package's dist/index.js can be served as it is. */
function elementCode(): string {
	const path = fileURLToPath(import.meta.resolve("@fanfare/portal"));
	const code = readFileSync(path, "utf8");
	return path.endsWith(".ts") ? stripTypeScriptTypes(code) : code;
}
