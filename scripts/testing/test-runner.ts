// Loads test files as Node does, so that their compiled code is cached: Node's compiler of TypeScript takes longer than many tests.
import { pathToFileURL } from "node:url";

import { TestRunner as VitestRunner } from "vitest";

import { endWorker } from "./worker-end.ts";

/** How often each file was loaded in this process: the set-up file before each test file. */
const loads = new Map<string, number>();

/** A runner of vitest. Its own loads each file by an address with the time, which no cache knows. */
export class TestRunner extends VitestRunner {
	override onCollectStart(file: Parameters<VitestRunner["onCollectStart"]>[0]): void {
		super.onCollectStart(file);
		// The same function for each file, so that it is called once.
		this.onCleanupWorkerContext(endWorker);
	}

	override importFile(path: string): Promise<unknown> {
		const earlier = loads.get(path) ?? 0;
		loads.set(path, earlier + 1);
		const { href } = pathToFileURL(path);
		return import(earlier === 0 ? href : `${href}?load=${earlier}`);
	}
}

// vitest loads a runner by path from its default export.
// oxlint-disable-next-line import/no-default-export
export default TestRunner;
