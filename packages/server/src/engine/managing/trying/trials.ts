// Requests that are sent to a webhook at once, outside of the queue and the log: tests and conformance checks.
import { Conformer } from "./conformer.ts";
import { WebhookTester } from "./webhook-tester.ts";

export class Trials {
	readonly tester: WebhookTester;
	readonly conformer: Conformer;

	constructor(
		parts: ConstructorParameters<typeof WebhookTester>[0] & ConstructorParameters<typeof Conformer>[0],
		userAgent: string,
	) {
		this.tester = new WebhookTester(parts, userAgent);
		this.conformer = new Conformer(parts, userAgent);
	}
}
