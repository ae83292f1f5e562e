// The places in flight: which lane may have the next one. Projects are served round robin, in each of them its customers, and
// of each customer its lanes.
import Denque from "denque";

import { wholeShareOf } from "../../../core/policies/share.ts";
import type { EngineLimits } from "../../parts.ts";
import type { Lane } from "../lane.ts";
import type { CustomerLanes, ProjectLanes } from "./project-lanes.ts";

type Limits = Pick<EngineLimits, "maxInFlight" | "maxInFlightPerWebhook" | "maxInFlightWhileFailing">;

/**
 * The most lanes of a customer looked at in one search. It keeps a search short when thousands are blocked. Each customer has its
 * own: the lanes of one must not end the search before another's turn.
 */
const MAX_LOOKS = 256;

/**
 * A ring of projects, in each of them a ring of its customers, and for each customer a ring of lanes. All webhooks of a project
 * without a customer have one of the rings of lanes.
 *
 * A project has no more attempts in flight than its share of the places that the others leave free, and a customer no more than
 * its share of those of the project (`CustomerLanes`). Of these, a lane has no more than are left for its customer (the dynamic
 * threshold of Choudhury and Hahne, 1998). So projects, customers and lanes whose webhooks hang get fewer and fewer of the free
 * places, and some are always left for the others.
 *
 * States of a lane here: outside ──enter──▶ in the ring ──next──▶ outside
 *                        in the ring ──next──▶ at its limit ──enter──▶ in the ring
 *                        at its limit ──leave──▶ outside
 *
 * - outside: no delivery is ready, or its rate limit allows no attempt now.
 * - in the ring (`lane.inRing`): it is served when it is its turn. If its project, its customer or the lane itself has its share
 *   in flight, it is passed over.
 * - at its limit: it has as many attempts in flight as its webhook may have at once. It waits until one of them is finished.
 *
 * A project is in the ring of projects, and a customer in the project's, while one of its lanes is in the ring.
 */
export class LaneRing {
	readonly #limits: Limits;
	readonly #projects = new Denque<ProjectLanes<Lane>>();
	readonly #atLimit = new Set<Lane>();
	#inFlight = 0;

	constructor(limits: Limits) {
		this.#limits = limits;
	}

	/** Attempts under way. */
	get inFlight(): number {
		return this.#inFlight;
	}

	/** Whether lanes wait for an attempt in flight to be finished. To be asked when `next` has returned null. */
	get isHeldUp(): boolean {
		return this.#atLimit.size > 0 || this.#projects.length > 0;
	}

	/** Puts a lane with ready deliveries into the ring, unless it is there. */
	enter(lane: Lane): void {
		this.#atLimit.delete(lane);
		if (lane.inRing) return;
		const { customer } = lane;
		lane.inRing = true;
		customer.ring.push(lane);
		if (customer.inRing) return;
		const { project } = customer;
		customer.inRing = true;
		project.ring.push(customer);
		if (project.inRing) return;
		project.inRing = true;
		this.#projects.push(project);
	}

	/** Call it for a lane that has no ready deliveries any more. If it is in the ring, it stays there until its turn. */
	leave(lane: Lane): void {
		this.#atLimit.delete(lane);
	}

	/** Takes the next lane that may have another attempt in flight out of the ring; null if there is none. */
	next(): Lane | null {
		// All projects are looked at. Those that are passed over have attempts in flight, which bounds their number.
		for (let looks = this.#projects.length; looks > 0; looks--) {
			if (this.#inFlight >= this.#limits.maxInFlight) return null;
			const project = this.#projects.shift();
			if (project === undefined) return null;
			const lane = this.#nextIn(project);
			if (project.ring.length > 0) this.#projects.push(project);
			else project.inRing = false;
			if (lane !== null) return lane;
		}
		return null;
	}

	#nextIn(project: ProjectLanes<Lane>): Lane | null {
		const share = wholeShareOf(this.#limits.maxInFlight, this.#inFlight, project.inFlight);
		if (project.inFlight >= share) return null;
		// All customers are looked at, for the same reason.
		for (let looks = project.ring.length; looks > 0; looks--) {
			const customer = project.ring.shift();
			if (customer === undefined) return null;
			const left = customer.left(share, project.inFlight, customer.inFlight);
			const lane = left <= 0 ? null : this.#nextOf(customer, left);
			if (customer.ring.length > 0) project.ring.push(customer);
			else customer.inRing = false;
			if (lane !== null) return lane;
		}
		return null;
	}

	#nextOf(customer: CustomerLanes<Lane>, left: number): Lane | null {
		for (let looks = Math.min(customer.ring.length, MAX_LOOKS); looks > 0; looks--) {
			const lane = customer.ring.shift();
			if (lane === undefined) return null;
			if (lane.inFlight >= this.limitOf(lane)) {
				lane.inRing = false;
				this.#atLimit.add(lane);
			} else if (lane.inFlight >= left) {
				customer.ring.push(lane);
			} else {
				lane.inRing = false;
				return lane;
			}
		}
		return null;
	}

	/** How many attempts may be in flight to the lane's webhook at once, in its present condition. */
	limitOf(lane: Lane): number {
		const { maxInFlightPerWebhook, maxInFlightWhileFailing } = this.#limits;
		return lane.failing ? maxInFlightWhileFailing : Math.min(maxInFlightPerWebhook, lane.window);
	}

	/** An attempt of this lane begins. */
	began(lane: Lane): void {
		lane.inFlight++;
		lane.customer.inFlight++;
		lane.project.inFlight++;
		this.#inFlight++;
	}

	/** An attempt of this lane is finished. */
	ended(lane: Lane): void {
		lane.inFlight--;
		lane.customer.inFlight--;
		lane.project.inFlight--;
		this.#inFlight--;
		if (lane.inFlight < 0) throw new Error(`the ready queue counts ${lane.inFlight} attempts in flight to one webhook`);
	}
}
