// The contract of versions: what a reader gets that keeps a copy of the directory, and events that were matched with an old copy.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import type { ApiKey } from "../../../core/access/key.ts";
import { FIRST_VERSION } from "../../../core/workspace.ts";
import type { DirectoryVersions, WebhookSummary } from "../../store/directory.ts";
import type { Store } from "../../store/store.ts";
import { addType } from "./records/calls.ts";
import { addWebhook, changeWebhook, fillStore, NEWEST, type CurrentStore, type World } from "./records/records.ts";
import { ANY_WEBHOOK, allSummaries, allWebhooks, changesSince } from "./records/webhooks.ts";

export function describeVersions(current: CurrentStore): void {
	describeDirectoryVersions(current);
	describeProjectChanges(current);
	describeCopies(current);
	describeStaleEvents(current);
}

/** The version of a project; undefined if it is not listed. */
async function versionOf(store: Store, projectId: string): Promise<number | undefined> {
	return find(await store.directoryVersions(), projectId);
}

function find({ projects }: DirectoryVersions, projectId: string): number | undefined {
	return projects.find((each) => each.projectId === projectId)?.version;
}

function describeDirectoryVersions(current: CurrentStore): void {
	it("counts from the first version on, for the workspace and for each project that is not deleted", async () => {
		const { store, projectId, records } = await fillStore(current(), 0);
		const first = { workspace: FIRST_VERSION, projects: [{ projectId, version: FIRST_VERSION }] };
		expect(await store.directoryVersions()).toEqual(first);
		const second = { ...records.project(), revision: 17 };
		expect(await store.insertProject(second, null)).toBe(FIRST_VERSION + 1);
		expect(await versionOf(store, second.id)).toBe(FIRST_VERSION);
		expect(await store.projects()).toContainEqual({ ...second, revision: FIRST_VERSION });
		await store.insertWebhook(records.webhook(second.id), null);
		await store.insertKey(records.key("read", second.id), null);
		await store.insertKey(records.key("read"), null);
		expect(await versionOf(store, projectId)).toBe(FIRST_VERSION);
		expect(await versionOf(store, second.id)).toBe(FIRST_VERSION + 2);
		await store.deleteProject(second.id, records.now, null);
		expect(await store.directoryVersions()).toEqual({ ...first, workspace: FIRST_VERSION + 3 });
	});

	it("gives each changed record the version of its project as its revision, whatever revision was passed in", async () => {
		const world = await fillStore(current(), 0);
		const { store, projectId, scope, records } = world;
		const webhook = await addWebhook(store, { ...records.webhook(projectId), revision: 40 });
		const type = await addType(world, "a");
		const [project] = await store.projects();
		const revision = await store.updateProject({ ...project!, revision: 50 }, { expected: FIRST_VERSION, entry: null });
		expect([webhook.revision, type.revision, revision]).toEqual([2, 3, 4]);
		expect(await allWebhooks(store)).toEqual([webhook]);
		expect((await store.webhooks(scope, ANY_WEBHOOK, NEWEST)).rows).toMatchObject([{ revision: 2 }]);
		expect((await store.eventTypes(scope, null, NEWEST)).rows).toEqual([type]);
		expect(await store.projects()).toEqual([{ ...project, revision }]);
		const changed = await changeWebhook(store, webhook, { name: "Renamed" });
		expect(changed.revision).toBe(5);
		expect(await allWebhooks(store)).toEqual([changed]);
		const options = { expected: type.revision, limit: 1, entry: null };
		expect(await store.putEventType({ ...type, revision: 60 }, options)).toBe(6);
		expect(await store.eventType(projectId, "a")).toEqual({ ...type, revision: 6 });
		expect(await versionOf(store, projectId)).toBe(6);
	});
}

function describeProjectChanges(current: CurrentStore): void {
	it("has the project and all of its own keys, newest first, whatever has changed, and nothing of a deleted project", async () => {
		const { store, projectId, records, addProject } = await fillStore(current());
		const other = await addProject();
		const older = records.key("read", projectId);
		records.now += 1;
		const newer = records.key("admin", projectId);
		const revisions = new Map<ApiKey, number>();
		for (const key of [older, newer, records.key("read"), records.key("read", other.id)]) {
			revisions.set(key, Number(await store.insertKey(key, null)));
		}
		const version = (await versionOf(store, projectId)) ?? 0;
		const project = (await store.projects()).find(({ id }) => id === projectId);
		const keys = [newer, older].map((key) => ({
			...key,
			digest: new Uint8Array(key.digest),
			revision: revisions.get(key),
		}));
		expect(await changesSince(store, projectId, version)).toEqual({ version, project, webhooks: [], keys });
		await store.deleteKey(newer.id, null);
		const left = { version: version + 1, keys: [{ id: older.id }] };
		expect(await changesSince(store, projectId, version)).toMatchObject(left);
		await store.deleteProject(projectId, records.now, null);
		for (const id of [projectId, records.project().id]) {
			expect(await changesSince(store, id, 0)).toMatchObject({ project: null, webhooks: [], keys: [] });
		}
	});
}

type Step =
	| { readonly type: "insert" | "rename" | "delete" | "key" | "project" | "type"; readonly which: number }
	| { readonly type: "read" };

const steps: fc.Arbitrary<Step[]> = fc.array(
	fc.oneof(
		fc.record({
			type: fc.constantFrom(...(["insert", "rename", "delete", "key", "project", "type"] as const)),
			which: fc.nat({ max: 9 }),
		}),
		fc.constant({ type: "read" as const }),
	),
	{ maxLength: 25 },
);

/** A reader's copy of a project: it takes over what has changed since the version that it has. */
class Copy {
	#version = 0;
	readonly #webhooks = new Map<string, WebhookSummary>();
	#rest: unknown = null;

	async read(store: Store, projectId: string): Promise<void> {
		const { version, webhooks, ...rest } = await changesSince(store, projectId, this.#version);
		expect(webhooks.map(({ revision }) => revision).filter((revision) => revision <= this.#version)).toEqual([]);
		for (const webhook of webhooks) this.#webhooks.set(webhook.id, webhook);
		this.#version = version;
		this.#rest = rest;
	}

	contents(): unknown {
		const webhooks = [...this.#webhooks.values()].filter(({ deleteDate }) => deleteDate === null);
		return {
			version: this.#version,
			webhooks: webhooks.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
			...Object(this.#rest),
		};
	}
}

async function perform({ store, records, projectId }: World, { type, which }: Exclude<Step, { type: "read" }>) {
	const [project] = await store.projects();
	const webhooks = await allWebhooks(store);
	const webhook = webhooks[which % Math.max(1, webhooks.length)];
	switch (type) {
		case "insert":
			return store.insertWebhook(records.webhook(projectId), null);
		case "rename":
			return webhook && changeWebhook(store, webhook, { name: `Name ${which}` });
		case "delete":
			return webhook && changeWebhook(store, webhook, { deleteDate: records.now });
		case "key":
			return store.insertKey(records.key("read", projectId), null);
		case "project":
			return store.updateProject({ ...project!, name: `Name ${which}` }, { expected: project!.revision, entry: null });
		case "type": {
			const expected = (await store.eventType(projectId, `t${which}`))?.revision ?? null;
			return store.putEventType(records.eventType(projectId, `t${which}`), { expected, limit: 9, entry: null });
		}
	}
}

function describeCopies(current: CurrentStore): void {
	it("keeps a copy equal to the store, after any sequence of changes and readings", async () => {
		const world = await fillStore(current(), 2);
		const { store, projectId } = world;
		await fc.assert(
			fc.asyncProperty(steps, async (sequence) => {
				const copy = new Copy();
				for (const step of sequence) {
					if (step.type === "read") await copy.read(store, projectId);
					else await perform(world, step);
				}
				await copy.read(store, projectId);
				expect(copy.contents()).toEqual({
					version: await versionOf(store, projectId),
					webhooks: await allSummaries(store),
					project: (await store.projects())[0],
					keys: (await store.keys()).filter((key) => key.projectId === projectId),
				});
			}),
			{ numRuns: runs(12) },
		);
	});
}

function describeStaleEvents(current: CurrentStore): void {
	it("refuses an event whose project has changed since it was matched, or is deleted or unknown", async () => {
		const { store, projectId, scope, webhookIds, records } = await fillStore(current());
		const version = (await versionOf(store, projectId)) ?? 0;
		const commit = async (projectVersion: number | null) => {
			const sent = records.event(projectId, { webhookIds, projectVersion });
			const { events } = await store.commit({ events: [sent], updates: [] });
			expect((await store.event(scope, sent.event.id)) !== null).toBe(events[0]?.kind === "accepted");
			return events[0]?.kind;
		};
		expect(await commit(version)).toBe("accepted");
		const { revision: next } = await addWebhook(store, records.webhook(projectId));
		expect(await commit(version)).toBe("stale");
		expect(await commit(next + 1)).toBe("stale");
		expect(await commit(next)).toBe("accepted");
		expect(await commit(null)).toBe("accepted");
		expect(await store.countOpen()).toEqual({ Pending: 3, Held: 0 });
		await store.deleteProject(projectId, records.now, null);
		const unknown = records.event(records.project().id, { projectVersion: FIRST_VERSION });
		const events = [records.event(projectId, { projectVersion: next }), unknown];
		expect((await store.commit({ events, updates: [] })).events).toEqual([{ kind: "stale" }, { kind: "stale" }]);
	});

	it("lets a known idempotency key win over an old version, and accepts the rest of a batch with a stale event", async () => {
		const { store, projectId, scope, webhookIds, accept, state, records, addProject } = await fillStore(current());
		const other = await addProject();
		const [waiting = ""] = await accept();
		const before = (await versionOf(store, projectId)) ?? 0;
		const first = records.event(projectId, { key: "k", projectVersion: before });
		await store.commit({ events: [first], updates: [] });
		const { revision: now } = await addWebhook(store, records.webhook(projectId));
		const stale = { projectVersion: before, webhookIds };
		const known = { ...stale, key: "k" };
		const events = [
			records.event(projectId, known),
			records.event(projectId, { ...known, fingerprint: Buffer.alloc(32, 8) }),
			records.event(projectId, { ...stale, key: "l" }),
			records.event(projectId, { webhookIds, projectVersion: now }),
			records.event(projectId, { webhookIds }),
			records.event(other.id, { projectVersion: FIRST_VERSION }),
		];
		const [, , fresh, right] = events;
		const ids = [fresh, right].map((event) => event?.deliveries[0]?.id ?? "");
		const updates = [...ids, waiting].map((id) => records.outcome(id, 1));
		const result = await store.commit({ events, updates });
		expect(result.events).toEqual([
			{ kind: "duplicate", event: first.event },
			{ kind: "conflict" },
			{ kind: "stale" },
			{ kind: "accepted" },
			{ kind: "accepted" },
			{ kind: "accepted" },
		]);
		const succeeded = { state: { status: "Succeeded" } };
		expect(result.updates).toMatchObject([null, succeeded, succeeded]);
		expect(await state(waiting)).toMatchObject({ status: "Succeeded" });
		expect(await store.event(scope, fresh!.event.id)).toBeNull();
		expect(await store.statusCounts(scope, null)).toMatchObject({ Pending: 1, Succeeded: 2 });
		// The key of an event that was stale is not known.
		const again = { ...fresh!, projectVersion: now };
		expect((await store.commit({ events: [again], updates: [] })).events).toEqual([{ kind: "accepted" }]);
	});
}
