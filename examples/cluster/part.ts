// A part of the installation: something that runs, can be harmed, and is started again a few seconds after its end.

/** As a service manager waits before it starts something again. */
const RESTART_MS = 3_000;
const LOOK_MS = 100;

/** What can run as a part. */
export interface Runnable {
	/** The process's id; null while it does not run. */
	readonly pid: number | null;
	/** What it has printed last, if it has ended by itself because something was wrong; else empty. */
	readonly lastWords: string;
	/** Resolves when it can be used. Rejects if it ends before that. */
	start(): Promise<void>;
	/** Ends it in the way of an operator. Resolves when it has ended. */
	stop(): Promise<void>;
}

/** What has happened to a part. */
export type PartEvent = "ended" | "started" | "failed to start";

/** States: down ──start──▶ up ──its process ends──▶ waiting ──3 s──▶ up; `leave` ends it for good. */
export class Part {
	readonly name: string;
	/** What it is, for people. */
	readonly what: string;
	readonly #runnable: Runnable;
	readonly #told: (part: Part, event: PartEvent) => void;
	readonly #restartMs: number;
	#isWanted = false;
	#isUp = false;
	#watching: Promise<void> = Promise.resolve();

	constructor(
		name: string,
		what: string,
		runnable: Runnable,
		told: (part: Part, event: PartEvent) => void,
		restartMs = RESTART_MS,
	) {
		this.name = name;
		this.what = what;
		this.#runnable = runnable;
		this.#told = told;
		this.#restartMs = restartMs;
	}

	get pid(): number | null {
		return this.#runnable.pid;
	}

	get lastWords(): string {
		return this.#runnable.lastWords;
	}

	/** Starts it, and keeps it running from now on. */
	async start(): Promise<void> {
		this.#isWanted = true;
		await this.#runnable.start();
		this.#isUp = true;
		this.#watching = this.#watch();
	}

	/** Sends its process a signal. Returns false if it does not run. */
	signal(signal: NodeJS.Signals): boolean {
		const { pid } = this.#runnable;
		if (pid === null) return false;
		process.kill(pid, signal);
		return true;
	}

	/** Resolves when it has ended and can be used again. */
	async endedAndBack(): Promise<void> {
		while (this.#isUp) await pause(LOOK_MS);
		while (!this.#isUp) await pause(LOOK_MS);
	}

	/** Ends it for good. */
	async leave(): Promise<void> {
		this.#isWanted = false;
		// A suspended process takes no other signal.
		this.signal("SIGCONT");
		await this.#runnable.stop();
		await this.#watching;
	}

	async #watch(): Promise<void> {
		while (this.#isWanted) {
			await pause(LOOK_MS);
			if (this.pid !== null || !this.#isWanted) continue;
			this.#isUp = false;
			this.#told(this, "ended");
			while (this.pid === null && this.#isWanted) await this.#startAgain();
		}
	}

	async #startAgain(): Promise<void> {
		await pause(this.#restartMs);
		if (!this.#isWanted) return;
		try {
			await this.#runnable.start();
			this.#isUp = true;
			this.#told(this, "started");
		} catch {
			// What the process before has left may not be gone yet.
			this.#told(this, "failed to start");
		}
	}
}

export function pause(ms: number): Promise<void> {
	return new Promise((resolve) => void setTimeout(resolve, ms));
}
