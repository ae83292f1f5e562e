// Who can sign in to the product. A real one would have them in its database, with passwords.

/** Somebody who can sign in, and the customer for whom they work. */
export interface User {
	readonly name: string;
	readonly customerId: string;
	readonly company: string;
}

export const USERS: readonly User[] = [
	{ name: "Ada", customerId: "acme", company: "Acme Pizza" },
	{ name: "Grace", customerId: "globex", company: "Globex Sushi" },
];
