// A project that is deleted while processes of two versions are at work, with deliveries that wait in each way.
import type { CreateWebhook } from "@fanfare/sdk";
import type { Breach } from "@fanfare/testkit/checks/record";

import type { Round } from "../../round.ts";
import { Neighbour } from "../neighbours/neighbour.ts";
import type { Member } from "./member.ts";

/** Of each kind, so that some are delivered by every process. */
const WEBHOOKS = 6;
const EVENTS = 4;
/** The attempts fail, again and again for more than a minute, which is longer than the project lives. */
const RETRIES = { maxRetries: 20, maxRetryDelay: 5_000 };
/** Long enough for an attempt that is in flight at the deletion to end in another process's hands, or after its restart. */
const SLOW_MS = 1_500;
const KINDS: Readonly<Record<string, Partial<CreateWebhook["spec"]>>> = {
	retrying: {},
	slow: {},
	limited: { rateLimit: { perSecond: 1 } },
	paused: {},
};
/** A request that was sent before the answer to the deletion may come so much later. */
const ON_ITS_WAY_MS = 1_000;
const CANCELLED_WITHIN_MS = 15_000;

export class DoomedProject {
	readonly #round: Round;
	readonly #name: string;
	readonly #neighbour: Neighbour;
	#deletedAt = Infinity;

	private constructor(round: Round, name: string, neighbour: Neighbour) {
		this.#round = round;
		this.#name = name;
		this.#neighbour = neighbour;
	}

	/** Makes the project. `name` says in messages when it is deleted. Some attempts have begun when this resolves. */
	static async open(round: Round, name: string): Promise<DoomedProject> {
		const neighbour = await Neighbour.open(round);
		const { project, receiver } = neighbour;
		receiver.script(({ path }) => ({ status: 500, delayMs: path === "/slow" ? SLOW_MS : 0 }));
		for (const [kind, spec] of Object.entries(KINDS)) {
			const endpoint = `${receiver.url}/${kind}`;
			const ids = await neighbour.addWebhooks(WEBHOOKS, () => ({ endpoint, retries: RETRIES, ...spec }));
			if (kind === "paused") for (const id of ids) await project.batch.webhooks.pause(id);
		}
		await project.events.sendBatch(Array.from({ length: EVENTS }, (_, n) => ({ type: "doomed.event", data: { n } })));
		await receiver.waitFor(WEBHOOKS * EVENTS);
		const doomed = new DoomedProject(round, name, neighbour);
		round.checks.push(() => doomed.#verifySilence());
		return doomed;
	}

	/** Deletes the project through this process. */
	async delete({ server }: Member): Promise<void> {
		await server.client.projects.delete(this.#neighbour.projectId);
		this.#deletedAt = Date.now();
	}

	/** Expects of the processes that serve now that the project is gone and none of its deliveries waits, also as the older version reads the rows. */
	async verifyGone(): Promise<void> {
		const round = this.#round;
		const { projectId } = this.#neighbour;
		for (const { name, server } of round.members.serving) {
			for (const path of ["", "/deliveries", "/webhooks"]) {
				const { status } = await server.call("GET", `/projects/${projectId}${path}`);
				round.expect(status === 404, `GET ${path} of the project ${this.#name} got ${status} of ${name}`);
			}
		}
		for (const rows of ["open_deliveries WHERE", "webhooks WHERE delete_date IS NULL AND"]) {
			const count = () => this.#count(rows);
			await round.time.within(CANCELLED_WITHIN_MS, async () => (await count()) === 0);
			const left = await count();
			round.expect(left === 0, `the project ${this.#name} has ${left} rows of ${rows} left`);
		}
		const ended = await this.#count(`deliveries WHERE status <> 4 AND`);
		round.expect(ended === 0, `${ended} deliveries of the project ${this.#name} are not Cancelled`);
	}

	async #count(rows: string): Promise<number> {
		const uuid = this.#neighbour.projectId.replace(/^proj_/, "");
		const [row] = await this.#round.database.query(`SELECT count(*) AS count FROM ${rows} project_id = '${uuid}'`);
		return Number(row?.["count"]);
	}

	async #verifySilence(): Promise<Breach[]> {
		const late = this.#neighbour.receiver.requests.filter(
			({ receivedAt }) =>
				receivedAt > this.#deletedAt && this.#round.time.between(this.#deletedAt, receivedAt) > ON_ITS_WAY_MS,
		);
		if (late.length === 0) return [];
		const after = late.map(({ receivedAt }) => receivedAt - this.#deletedAt);
		const from = [...new Set(late.map(({ from }) => from))].join();
		const times = `${Math.min(...after)} to ${Math.max(...after)} ms`;
		const text = `${late.length} requests came ${times} after the deletion of the project ${this.#name}, from ${from}`;
		return [{ promise: "fault", text }];
	}
}
