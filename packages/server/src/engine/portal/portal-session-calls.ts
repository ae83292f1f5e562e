// Portal sessions: made, listed, revoked and authenticated here.
import { keyDigest } from "../../core/access/key.ts";
import {
	generatePortalToken,
	isPortalToken,
	type NewPortalSession,
	type PortalSession,
} from "../../core/access/portal-session.ts";
import { projectOf, wholeProject, type CustomerPrincipal, type Scope } from "../../core/access/principal.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { counted, FanfareError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { PortalSessionStore } from "../../ports/store/portal-sessions.ts";
import type { SessionChanges } from "../../ports/wire.ts";
import { nextTurn } from "../background/next-turn.ts";
import { Periodic } from "../background/periodic.ts";
import type { Change } from "../change.ts";
import type { Directory } from "../directory/directory.ts";
import { customerBeingDeleted } from "../directory/not-found.ts";
import type { LiveHub } from "../live/live-hub.ts";
import { auditEntry } from "../managing/changes/audit-entries.ts";
import { writeInProject } from "../managing/changes/write-in-project.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import type { PortalSessions, PortalSessionsOf } from "../portal-calls.ts";
import { EndedIds } from "../sessions/ended-ids.ts";
import { PortalSessionTable, type KnownSession } from "./portal-session-table.ts";

type Parts = Pick<
	PartsOn<PortalSessionStore>,
	"store" | "clock" | "chance" | "ids" | "changeRates" | "observer" | "wire"
>;
type Limits = Pick<EngineLimits, "maxPortalSessions" | "maxPortalSessionsPerCustomer">;

interface Neighbours {
	readonly directory: Pick<Directory, "project" | "projects" | "refresh" | "isDeleting">;
	readonly live: Pick<LiveHub, "portalSessionsEnded">;
}

/** Sessions in one call of the store: about a megabyte. */
const PAGE = 1_000;
/** Sessions removed in one transaction. */
const STEP = 500;
const FORGET_EVERY_MS = 60_000;
/** Sessions looked at in one turn of the event loop. */
const LOOKED_AT_ONCE = 5_000;

/**
 * The portal sessions of all projects. All that are valid are in memory: a request with a known token costs one hash and no read of the
 * store. Those of other processes come by the wire, as those of the page do (`sessions/session-calls.ts`).
 */
export class PortalSessionCalls implements PortalSessions {
	readonly #parts: Parts;
	readonly #limits: Limits;
	readonly #table = new PortalSessionTable();
	readonly #endedIds = new EndedIds();
	readonly #near: Neighbours;
	/** By project, so that the limits hold, and no session is added behind the revocation of all of a customer. */
	readonly #changes = new SerialByKey();
	readonly #forgetting: Periodic;

	constructor(parts: Parts, limits: Limits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
		this.#forgetting = new Periodic(parts, {
			everyMs: FORGET_EVERY_MS,
			work: () => this.#forgetExpired(),
			problem: "expired portal sessions could not be forgotten",
		});
	}

	/** Reads the valid sessions from the store, at the start. */
	async load(): Promise<void> {
		using meanwhile = this.#endedIds.watch();
		for (let after: string | null = null; ;) {
			const page: readonly PortalSession[] = await this.#parts.store.allPortalSessions(after, PAGE);
			this.#add(page.filter(({ id }) => !meanwhile.ids.has(id)));
			after = page.at(-1)?.id ?? null;
			if (page.length < PAGE) return;
		}
	}

	/** Sessions have begun and ended, in this process and in others. */
	changed({ portalSessions, ended }: Pick<SessionChanges, "portalSessions" | "ended">): void {
		this.#add(portalSessions);
		this.#endedIds.note(ended);
		this.#ended(ended);
	}

	/** Adds those that are valid. */
	#add(sessions: readonly PortalSession[]): void {
		const known = new Set(this.#near.directory.projects().map(({ id }) => id));
		const now = this.#parts.clock.now();
		for (const session of sessions) {
			if (session.expireDate > now && known.has(session.projectId)) this.#table.add(session);
		}
	}

	start(): void {
		this.#forgetting.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#forgetting.stop();
	}

	authenticate(token: string): CustomerPrincipal | null {
		if (!isPortalToken(token)) return null;
		const session = this.#table.find(token, this.#parts.clock.now());
		if (session === null) return null;
		const { id: portalSessionId, projectId, customerId, capabilities, expireDate, actor } = session;
		return { kind: "customer", projectId, customerId, capabilities, portalSessionId, expireDate, actor };
	}

	async create({ scope, audit }: Change, input: NewPortalSession): Promise<{ session: PortalSession; token: string }> {
		const projectId = wholeProject(scope);
		const { directory } = this.#near;
		directory.project(projectId);
		const { chance, clock, ids, store } = this.#parts;
		const token = generatePortalToken(chance);
		return this.#changes.run(projectId, async () => {
			await this.#parts.wire.catchUp();
			const { customerId } = input;
			if (directory.isDeleting(projectId, customerId)) throw customerBeingDeleted(customerId, "customerId");
			const now = clock.now();
			const { expiresInMs, ...given } = input;
			const session: PortalSession = {
				...given,
				id: ids.make("portal", now),
				projectId,
				digest: keyDigest(token),
				createDate: now,
				expireDate: now + expiresInMs,
			};
			const replaces = this.#inExcess(session, now).map(({ id }) => id);
			const entry = auditEntry(this.#parts, audit, { objectId: session.id, projectId }, { forCustomer: customerId });
			using meanwhile = this.#endedIds.watch();
			const insert = () => store.insertPortalSession(session, { replaces, entry });
			await writeInProject(directory, projectId, insert).catch((error: unknown) => {
				// Another process may have begun to delete the customer.
				throw directory.isDeleting(projectId, customerId) ? customerBeingDeleted(customerId, "customerId") : error;
			});
			this.#ended(replaces);
			// The project may have been deleted meanwhile, and its sessions with it.
			directory.project(projectId);
			if (!meanwhile.ids.has(session.id)) this.#table.add(session);
			return { session, token };
		});
	}

	/** The sessions of the customer that a new one takes the place of. Throws if the project has no room for it. */
	#inExcess({ projectId, customerId }: PortalSession, now: number): KnownSession[] {
		const { maxPortalSessions, maxPortalSessionsPerCustomer } = this.#limits;
		const known = this.#table.ofCustomer(projectId, customerId, now);
		const excess = known.length - maxPortalSessionsPerCustomer + 1;
		if (excess > 0) return known.toSorted((a, b) => a.expireDate - b.expireDate).slice(0, excess);
		if (this.#table.countOf(projectId) < maxPortalSessions) return [];
		throw new FanfareError(
			"too_many_portal_sessions",
			`A project has at most ${counted(maxPortalSessions, "portal session")} at once. Revoke some, or make them for a shorter time.`,
		);
	}

	async list(scope: Scope, page: PageRequest): Promise<Page<PortalSession>> {
		this.#near.directory.project(projectOf(scope));
		return this.#parts.store.portalSessions(scope, this.#parts.clock.now(), page);
	}

	async get(scope: Scope, id: string): Promise<PortalSession> {
		const projectId = projectOf(scope);
		this.#near.directory.project(projectId);
		await this.#parts.wire.catchUp();
		const session = await this.#parts.store.portalSession(scope, id);
		// Memory decides which are valid.
		if (session === null || this.#table.byId(projectId, id, this.#parts.clock.now()) === null) throw notFound();
		return session;
	}

	async revoke({ scope, audit }: Change, id: string): Promise<void> {
		const projectId = wholeProject(scope);
		this.#near.directory.project(projectId);
		await this.#changes.run(projectId, async () => {
			await this.#parts.wire.catchUp();
			if (this.#table.byId(projectId, id, this.#parts.clock.now()) === null) throw notFound();
			const entry = auditEntry(this.#parts, audit, { objectId: id, projectId });
			await this.#parts.store.deletePortalSessions(projectId, [id], entry);
			this.#ended([id]);
		});
		await this.#parts.wire.sessionsEnded();
	}

	/** With `isAwaited` false, others perhaps do not know yet when it resolves: the caller has to wait for `Wire.sessionsEnded`. */
	async revokeAll(
		{ scope, audit }: Change,
		{ customerId, keyId }: PortalSessionsOf,
		{ isAwaited = true } = {},
	): Promise<number> {
		const projectId = wholeProject(scope);
		this.#near.directory.project(projectId);
		const count = await this.#changes.run(projectId, async () => {
			await this.#parts.wire.catchUp();
			const now = this.#parts.clock.now();
			const sessions =
				customerId === null
					? this.#table.ofProject(projectId, now)
					: this.#table.ofCustomer(projectId, customerId, now);
			const ids = sessions.filter((session) => keyId === null || session.keyId === keyId).map(({ id }) => id);
			const objectId = customerId ?? keyId ?? projectId;
			for (let from = 0; from < ids.length; from += STEP) {
				const step = ids.slice(from, from + STEP);
				// One entry for all, with the first step. After a failure, the call is made again and leaves another.
				const entry = from === 0 ? auditEntry(this.#parts, audit, { objectId, projectId }) : null;
				// oxlint-disable-next-line no-await-in-loop -- other writes go on in between
				await this.#parts.store.deletePortalSessions(projectId, step, entry);
				this.#ended(step);
			}
			return ids.length;
		});
		if (count > 0 && isAwaited) await this.#parts.wire.sessionsEnded();
		return count;
	}

	/** A project was deleted. Its rows go when they have expired. */
	projectDeleted(projectId: string): void {
		this.#table.removeProject(projectId);
	}

	#ended(ids: readonly string[]): void {
		if (ids.length === 0) return;
		this.#table.remove(ids);
		this.#near.live.portalSessionsEnded(new Set(ids));
	}

	async #forgetExpired(): Promise<void> {
		while (!this.#table.forgetExpired(this.#parts.clock.now(), LOOKED_AT_ONCE) && this.#forgetting.running) {
			await nextTurn(this.#parts.clock);
		}
	}
}

/** The same error for a session of another project, one that has ended, and one that never was. */
function notFound(): FanfareError {
	return new FanfareError(
		"portal_session_not_found",
		"There is no such portal session in this project, or it has ended. GET …/portal-sessions lists those that are valid.",
	);
}
