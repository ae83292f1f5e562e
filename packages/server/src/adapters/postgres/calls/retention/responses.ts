// Erases the responses in attempts, which are marked as truncated.
import type { Attempt } from "../../../../core/delivery.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { attemptText, toAttempt } from "../../codec/attempt-rows.ts";
import { among, endsOf, isAmong } from "../../codec/ids.ts";
import { number, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

const SELECT = statement(`SELECT delivery_id, number, attempt FROM attempts WHERE ${isAmong("delivery_id")}`);
const UPDATE = statement(`
	UPDATE attempts SET attempt = given.attempt
	FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS given(delivery_id, number, attempt)
	WHERE attempts.delivery_id = given.delivery_id AND attempts.number = given.number AND ${isAmong("attempts.delivery_id", 1, 4)}
`);

interface Emptied {
	readonly delivery: string;
	readonly number: number;
	readonly text: string;
	/** How many bytes fewer it takes. */
	readonly bytes: number;
}

/** How many attempts of a delivery have lost their response, and how many bytes fewer they take. */
export interface ErasedResponses {
	readonly count: number;
	readonly bytes: number;
}

/** The responses of deliveries that are locked. */
export class Responses {
	readonly #byDelivery: ReadonlyMap<string, readonly Emptied[]>;
	readonly #erased: Emptied[] = [];

	private constructor(byDelivery: ReadonlyMap<string, readonly Emptied[]>) {
		this.#byDelivery = byDelivery;
	}

	/** Reads what is left to erase of the attempts of deliveries: all that `without` leaves out. */
	static async read(
		session: Session,
		deliveries: readonly string[],
		without: (attempt: Attempt) => Attempt,
	): Promise<Responses> {
		if (deliveries.length === 0) return new Responses(new Map());
		const rows = await session.run(SELECT, among(deliveries));
		const emptied = rows.flatMap((row): Emptied[] => {
			const before = text(row["attempt"]);
			const attempt = toAttempt(before);
			const rest = without(attempt);
			if (rest === attempt) return [];
			const after = attemptText(rest);
			const bytes = Buffer.byteLength(before) - Buffer.byteLength(after);
			return [{ delivery: text(row["delivery_id"]), number: number(row["number"]), text: after, bytes }];
		});
		return new Responses(Map.groupBy(emptied, ({ delivery }) => delivery));
	}

	/** Erases the responses of a delivery; `write` sends it. */
	erase(delivery: string): ErasedResponses {
		const emptied = this.#byDelivery.get(delivery) ?? [];
		this.#erased.push(...emptied);
		return { count: emptied.length, bytes: emptied.reduce((sum, { bytes }) => sum + bytes, 0) };
	}

	async write(session: Session): Promise<void> {
		if (this.#erased.length === 0) return;
		await session.run(UPDATE, [
			binaryArray(
				"uuid",
				this.#erased.map(({ delivery }) => delivery),
			),
			binaryArray(
				"int4",
				this.#erased.map(({ number }) => number),
			),
			binaryArray(
				"text",
				this.#erased.map(({ text }) => text),
			),
			...endsOf(this.#erased.map(({ delivery }) => delivery)),
		]);
	}
}
