// The division of the process's descriptors.
import { expect, it } from "vitest";

import { placesOf } from "../engine/live/stream-places.ts";
import { shareDescriptors } from "./descriptors.ts";

const SETTINGS = {
	maxConnections: 10_000,
	maxInFlight: 1_024,
	maxStreams: 1_000,
	senderThreads: 0,
	acceptorThreads: 0,
};

it("gives clients and receivers half each of what is not reserved, and never more than the settings allow", () => {
	expect(shareDescriptors(1_024, SETTINGS)).toEqual({
		maxConnections: 464,
		maxSockets: 464,
		maxInFlight: 464,
		maxStreams: 143,
	});
	expect(shareDescriptors(524_288, SETTINGS)).toEqual({
		maxConnections: 10_000,
		maxSockets: 262_096,
		maxInFlight: 1_024,
		maxStreams: 1_000,
	});
	expect(shareDescriptors(1_024, { ...SETTINGS, maxConnections: 100, maxInFlight: 50, maxStreams: 30 })).toEqual({
		maxConnections: 100,
		maxSockets: 464,
		maxInFlight: 50,
		maxStreams: 30,
	});
	expect(shareDescriptors(524_288, { ...SETTINGS, maxConnections: 50_000 }).maxConnections).toBe(50_000);
});

it("reserves some for each thread that makes attempts", () => {
	expect(shareDescriptors(1_024, { ...SETTINGS, senderThreads: 2 })).toMatchObject({
		maxConnections: 456,
		maxSockets: 456,
	});
});

it("keeps some for the thread that accepts requests, whose links to the main thread need none", () => {
	expect(shareDescriptors(1_024, { ...SETTINGS, acceptorThreads: 1 })).toMatchObject({
		maxConnections: 460,
		maxSockets: 460,
	});
});

it("leaves some for each where there are hardly any, and has no limit of its own where none is known", () => {
	expect(shareDescriptors(100, SETTINGS)).toEqual({
		maxConnections: 16,
		maxSockets: 16,
		maxInFlight: 16,
		maxStreams: 3,
	});
	expect(shareDescriptors(null, SETTINGS)).toEqual({
		maxConnections: 10_000,
		maxSockets: Infinity,
		maxInFlight: 1_024,
		maxStreams: 1_000,
	});
});

it("leaves half of the connections of clients to other requests when all streams are open, those of the page and of customers included", () => {
	for (let limit = 100; limit < 3_000; limit++) {
		const { maxConnections, maxStreams } = shareDescriptors(limit, SETTINGS);
		const { api, page, customers } = placesOf(maxStreams);
		expect(api + page + customers).toBeLessThanOrEqual(maxConnections / 2);
	}
});
