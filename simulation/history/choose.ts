// Finds the objects that the numbers in steps stand for.
import { createHash } from "node:crypto";

/** The item at an index modulo the length of the list; undefined if the list is empty. */
export function at<T>(list: readonly T[], index: number): T | undefined {
	return list[index % list.length];
}

/** 32 bytes that follow from a text: secrets for webhooks. */
export function bytesFrom(text: string): Uint8Array {
	return createHash("sha256").update(text).digest();
}
