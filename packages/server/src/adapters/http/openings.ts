// The queue for new connections: how many may be opening at once, in all, by each project and by each of its customers.
import Denque from "denque";

/**
 * The most connections being opened at once, in all. Each takes a look-up, a handshake and up to five seconds if nobody
 * answers.
 */
export const MAX_OPENING = 256;

/** A pool that may want to open connections. */
export interface Opener {
	readonly projectId: string;
	/** Null for connections to webhooks without a customer. */
	readonly customerId: string | null;
	/** Opens connections for exchanges that wait, each after `take`. May do nothing, if none waits any more. */
	openWaiting(): void;
}

/** What is known of one customer of a project, or of the webhooks of a project that have none. */
interface CustomerLine {
	opening: number;
	/** Pools that `take` has turned away, the longest waiting first. */
	readonly waiting: Set<Opener>;
}

/** What is known of one project. */
interface ProjectLine {
	readonly projectId: string;
	opening: number;
	/** The customers with a connection that is opening or waiting. The customer whose turn it is comes first. */
	readonly customers: Map<string | null, CustomerLine>;
	inRing: boolean;
}

/**
 * Counts connections that are being opened. A project may open no more at once than are still free for all others, and a
 * customer no more than are still free for its project, so that one whose receivers do not answer always leaves some. Pools that
 * have to wait are served in turns of their projects, and in each of them in turns of its customers.
 */
export class Openings {
	readonly #max: number;
	#count = 0;
	readonly #projects = new Map<string, ProjectLine>();
	/** Projects with pools that wait, the next one first. */
	readonly #ring = new Denque<ProjectLine>();

	constructor(max: number) {
		this.#max = max;
	}

	/**
	 * Whether this pool may open a connection now. If so, `done` must be called when that has ended. If not, the pool's
	 * `openWaiting` is called when its turn has come.
	 */
	take(opener: Opener): boolean {
		const line = this.#line(opener.projectId);
		const customer = customerIn(line, opener.customerId);
		if (!this.#isFree(line, customer)) {
			customer.waiting.add(opener);
			this.#enterRing(line);
			return false;
		}
		customer.opening += 1;
		line.opening += 1;
		this.#count += 1;
		return true;
	}

	/** The opening of a connection has ended, in whichever way. */
	done(opener: Opener): void {
		const line = this.#line(opener.projectId);
		customerIn(line, opener.customerId).opening -= 1;
		line.opening -= 1;
		this.#count -= 1;
		this.#forgetIfUnused(line, opener.customerId);
		this.#serve();
	}

	/** The pool wants none any more. */
	leave(opener: Opener): void {
		const line = this.#projects.get(opener.projectId);
		if (line === undefined) return;
		line.customers.get(opener.customerId)?.waiting.delete(opener);
		this.#forgetIfUnused(line, opener.customerId);
	}

	#serve(): void {
		for (let looks = this.#ring.length; looks > 0 && this.#count < this.#max; looks -= 1) {
			const line = this.#ring.shift();
			if (line === undefined) return;
			line.inRing = false;
			const opener = this.#nextOf(line);
			opener?.openWaiting();
			if (opener !== undefined) this.#forgetIfUnused(line, opener.customerId);
			if (hasWaiting(line)) this.#enterRing(line);
			else if (line.customers.size === 0) this.#projects.delete(line.projectId);
		}
	}

	/** Takes the opener whose turn it is in its project out of the line. */
	#nextOf(line: ProjectLine): Opener | undefined {
		for (const [customerId, customer] of line.customers) {
			const [opener] = customer.waiting;
			if (opener === undefined || !this.#isFree(line, customer)) continue;
			line.customers.delete(customerId);
			line.customers.set(customerId, customer);
			customer.waiting.delete(opener);
			return opener;
		}
		return undefined;
	}

	#isFree({ opening, customers }: ProjectLine, customer: CustomerLine): boolean {
		const free = this.#max - this.#count;
		if (opening >= free) return false;
		// Alone, webhooks without a customer may open all that is the project's.
		if (customers.size === 1 && customers.has(null)) return true;
		return customer.opening < Math.ceil((free + opening) / 2) - opening;
	}

	#enterRing(line: ProjectLine): void {
		if (line.inRing) return;
		line.inRing = true;
		this.#ring.push(line);
	}

	#line(projectId: string): ProjectLine {
		let line = this.#projects.get(projectId);
		if (line === undefined) {
			line = { projectId, opening: 0, customers: new Map(), inRing: false };
			this.#projects.set(projectId, line);
		}
		return line;
	}

	/** A line in the ring is forgotten when its turn comes. */
	#forgetIfUnused(line: ProjectLine, customerId: string | null): void {
		const customer = line.customers.get(customerId);
		if (customer?.opening === 0 && customer.waiting.size === 0) line.customers.delete(customerId);
		if (line.customers.size === 0 && !line.inRing) this.#projects.delete(line.projectId);
	}
}

function customerIn({ customers }: ProjectLine, customerId: string | null): CustomerLine {
	let customer = customers.get(customerId);
	if (customer === undefined) {
		customer = { opening: 0, waiting: new Set() };
		customers.set(customerId, customer);
	}
	return customer;
}

function hasWaiting({ customers }: ProjectLine): boolean {
	return customers.values().some(({ waiting }) => waiting.size > 0);
}
