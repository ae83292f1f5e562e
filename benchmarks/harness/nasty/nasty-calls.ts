// The largest bodies of the nastiest shapes, for every list, map and object in the bodies of all calls.
import { bodyWith, type BodyPlace, type CallWithBody } from "./body-places.ts";
import { NASTY_SHAPES } from "./nasty-shapes.ts";

export interface NastyBody {
	/** The shape and the place, in words. */
	readonly name: string;
	/** Made when it is needed, since it can be large. */
	readonly json: () => string;
}

/** Every element of a list has a nasty value of its own: as many elements as the list may have, and few large ones. */
const FEW_ELEMENTS = 20;
/** Shorter ones are like those that any program sends. */
const LEAST_BYTES = 32;
/** As many as a batch may have. */
const EVENTS = 1_000;

/** The bodies of a call that are nasty, of up to `maxBytes`. */
export function nastyBodies(call: CallWithBody, maxBytes: number): NastyBody[] {
	return call.places.flatMap((place) => nastyBodiesAt(call, place, maxBytes));
}

function nastyBodiesAt({ id, example }: CallWithBody, { at, mostElements }: BodyPlace, maxBytes: number): NastyBody[] {
	const where = at.length === 0 ? `the body of ${id}` : `${at.join(".")} of ${id}`;
	return copiesOf(mostElements).flatMap((copies) => {
		const each = (maxBytes - Buffer.byteLength(bodyWith(example, at, "", copies))) / copies;
		if (each < LEAST_BYTES) return [];
		const place = copies === 1 ? where : `${where}, ${copies} times`;
		return Object.entries(NASTY_SHAPES).map(([shape, value]) => ({
			name: `${shape} in ${place}`,
			json: () => bodyWith(example, at, value(Math.floor(each)), copies),
		}));
	});
}

/** How often a list has the element with the nasty value. */
function copiesOf(mostElements: number | null): number[] {
	if (mostElements === null) return [1];
	return [...new Set([1, Math.min(FEW_ELEMENTS, mostElements), mostElements])];
}

const KIB = 1_024;

/** Batches that are valid as a whole, with as much in their lists as there may be: each entry is looked up. */
export function fullBatches(maxBytes: number): NastyBody[] {
	const batch = (field: string, most: number, entry: (n: number) => string): NastyBody => ({
		name: `full ${field} in each of ${EVENTS} events of a batch`,
		json: () => {
			const room = Math.floor((maxBytes - KIB) / EVENTS) - KIB / 8;
			const count = Math.min(most, Math.floor(room / (entry(0).length + 3)));
			const events = Array.from({ length: EVENTS }, (_, event) => ({
				type: "a",
				data: 1,
				[field]: Array.from({ length: count }, (__, n) => entry(event * count + n)),
			}));
			return JSON.stringify({ events });
		},
	});
	return [
		batch("customerIds", 100, (n) => `customer-${String(n).padStart(6, "0")}`),
		batch("webhookIds", 1_000, (n) => `webhook_01936a2e-5c3b-7c10-8000-${n.toString(16).padStart(12, "0")}`),
		batch("tags", 5, (n) => `tag-${String(n).padStart(6, "0")}`),
	];
}
