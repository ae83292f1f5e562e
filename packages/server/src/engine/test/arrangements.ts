// What tests of the engine often begin with: a receiver and its webhook, two processes on one store, a stream, inputs of calls.
import { startReceiver } from "@fanfare/testkit/receiver";
import { onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import type { AuditAction, AuditDraft } from "../../core/access/audit.ts";
import { PORTAL_SESSION_MS, type NewPortalSession } from "../../core/access/portal-session.ts";
import type { LiveFilter, LiveItem } from "../../core/live.ts";
import type { LiveRequest, LiveSubscription } from "../live-calls.ts";
import type { NewWebhook } from "../webhook-settings.ts";
import { openTestEngine, type TestEngine, type TestEngineOptions } from "./test-engine.ts";

/** An endpoint at which nobody listens. */
export const NOBODY = "http://127.0.0.1:9/";
/** An event type with nothing but its name. */
export const NO_SETTINGS = { description: null, schemaJson: null, exampleJson: null, archived: false } as const;
/** A replay of all events that a webhook has missed. */
export const MISSED = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;
/** A live stream of everything. */
export const ANY_ITEM: LiveFilter = { kinds: null, customerId: null, webhookId: null, eventTypes: null };

/** A receiver, an engine, and a webhook that sends there, until the end of the test. */
export async function openDelivering(settings: Partial<NewWebhook> = {}, options: TestEngineOptions = {}) {
	const receiver = await startReceiver();
	onTestFinished(() => receiver[Symbol.asyncDispose]());
	const test = await openTestEngine(options);
	onTestFinished(() => test[Symbol.asyncDispose]());
	const webhook = await test.createWebhook(receiver.url, settings);
	return { receiver, test, webhook, id: webhook.id };
}

/** Two engines on one store with the same project, each of which stands for a process, until the end of the test. */
export async function openPair(options: TestEngineOptions = {}) {
	const store = await openSqliteStore({ path: ":memory:" });
	onTestFinished(() => store.close());
	const open = async () => {
		const test = await openTestEngine({ store, ...options });
		onTestFinished(() => test[Symbol.asyncDispose]());
		return test;
	};
	return { store, one: await open(), other: await open() };
}

/** A live stream of what happens in the project. */
export function subscribe({ engine, scope }: TestEngine, changes: Partial<LiveRequest> = {}): LiveSubscription {
	const request = { kind: "api", scope, principal: null, filter: ANY_ITEM, lastEventId: null } as const;
	return engine.live.subscribe({ ...request, abandon: () => {}, ...changes });
}

/** Reads a stream. The returned function resolves with all items so far once there are `count`. */
export function itemsOf(subscription: LiveSubscription): (count: number) => Promise<LiveItem[]> {
	const items: LiveItem[] = [];
	return async (count) => {
		while (items.length < count) {
			const signals = await subscription.next();
			if (signals === null) throw new Error("the stream is over");
			for (const signal of signals) if (signal.type === "item") items.push(signal.item);
		}
		return items;
	};
}

/** Reads a stream to its end, and returns the reason for it. */
export async function reasonOfEnd(stream: LiveSubscription): Promise<string> {
	let reason = "there was no reason";
	for (let signals = await stream.next(); signals !== null; signals = await stream.next()) {
		const last = signals.at(-1);
		if (last?.type === "end") reason = last.reason;
	}
	return reason;
}

/** What is to be logged of a call: by nobody, unless `of` names somebody. */
export function draft(action: AuditAction, of: Partial<AuditDraft> = {}): AuditDraft {
	const nobody = { keyId: null, sessionId: null, customerId: null, portalSessionId: null, actor: null };
	return { ...nobody, action, fields: [], requestId: null, ...of };
}

/** A portal session of the customer acme, with these changes. */
export function newPortalSession(changes: Partial<NewPortalSession> = {}): NewPortalSession {
	const none = { keyId: null, actor: null, returnUrl: null, theme: null, locale: null };
	return { ...none, customerId: "acme", capabilities: [], expiresInMs: PORTAL_SESSION_MS.byDefault, ...changes };
}

/** The code of the error with which a call is refused; null if it is not refused. */
export async function codeOf(call: Promise<unknown> | (() => unknown)): Promise<string | null> {
	try {
		await (typeof call === "function" ? call() : call);
		return null;
	} catch (error) {
		return (error as { readonly code?: string }).code ?? String(error);
	}
}
