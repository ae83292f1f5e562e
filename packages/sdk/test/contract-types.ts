// Compares a type of the SDK with the type of the HTTP API. Each difference is a type that names the fields.

/** The paths of all fields, such as `spec.retries.maxRetries`. The elements of a list have the path of the list. */
type Paths<T> = T extends Date | string
	? never
	: T extends readonly (infer Element)[]
		? Paths<Element>
		: T extends object
			? string extends keyof T
				? never
				: { [Field in keyof T & string]-?: Field | `${Field}.${Paths<T[Field]>}` }[keyof T & string]
			: never;

/** The values of all enums, with their paths, such as `status.Failed`. */
type Values<T> = T extends string
	? string extends T
		? never
		: T
	: T extends readonly (infer Element)[]
		? Values<Element>
		: T extends object
			? string extends keyof T
				? never
				: { [Field in keyof T & string]-?: `${Field}.${Values<T[Field]>}` }[keyof T & string]
			: never;

/** The paths of the fields that may be absent. A field that is never present does not count. */
type OptionalPaths<T> = T extends readonly (infer Element)[]
	? OptionalPaths<Element>
	: T extends object
		? string extends keyof T
			? never
			: { [Field in keyof T & string]-?: IfOptional<T, Field> | `${Field}.${OptionalPaths<T[Field]>}` }[keyof T &
					string]
		: never;

type IfOptional<T, Field extends keyof T> = [T[Field]] extends [undefined]
	? never
	: Partial<Pick<T, Field>> extends Pick<T, Field>
		? Field
		: never;

type OtherTypes<Wire, Sdk> = [Wire] extends [Sdk]
	? never
	: { [Field in keyof Wire & keyof Sdk]: Wire[Field] extends Sdk[Field] ? never : Field }[keyof Wire & keyof Sdk];

/** What is wrong with a type of the SDK for a response. */
export interface ResponseDifferences<Wire, Sdk> {
	readonly fieldsThatTheSdkLacks: Exclude<Paths<Wire>, Paths<Sdk>>;
	readonly fieldsThatTheServerNeverSends: Exclude<Paths<Sdk>, Paths<Wire>>;
	readonly optionalFieldsThatAreAlwaysSent: Exclude<OptionalPaths<Sdk>, OptionalPaths<Wire>>;
	readonly fieldsOfAnotherType: OtherTypes<Wire, Sdk>;
}

/** What is wrong with a type of the SDK for a request. Where a body is built, the compiler checks the types of its fields. */
export interface InputDifferences<Wire, Sdk, Ignored> {
	readonly fieldsThatTheSdkLacks: Exclude<Paths<Wire>, Paths<Sdk> | Ignored>;
	readonly fieldsThatTheServerRefuses: Exclude<Paths<Sdk>, Paths<Wire>>;
	readonly valuesThatTheSdkLacks: Exclude<Values<Wire>, Values<Sdk> | Ignored>;
}

/** The differences of types that agree. */
export type None<Differences> = { readonly [Kind in keyof Differences]: never };

/** A value in which every optional field is present and not null. */
export type Full<T> = unknown extends T
	? T
	: T extends Date
		? T
		: T extends readonly (infer Element)[]
			? readonly Full<Element>[]
			: T extends object
				? { [Field in keyof T]-?: unknown extends T[Field] ? T[Field] : Full<NonNullable<T[Field]>> }
				: T;
