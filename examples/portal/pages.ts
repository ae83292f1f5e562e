// The pages of the product, as HTML.
import type { User } from "./users.ts";

/** What the page with the portal runs. */
export const PORTAL_SCRIPT = `import "/portal.js";

const portal = document.querySelector("fanfare-portal");
portal.onExpired = async () => {
	const response = await fetch("/portal-token", { method: "POST" });
	if (!response.ok) throw new Error("/portal-token answered " + response.status);
	return response.text();
};
`;

export const STYLE = `body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fffaf5; }
header { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; border-bottom: 1px solid #e5d5c5; padding-bottom: 0.75rem; }
header strong { font-size: 1.25rem; color: #b4430f; }
header form { margin-left: auto; }
button { font: inherit; padding: 0.4rem 0.9rem; border: 0; border-radius: 10px; color: #fff; background: #b4430f; cursor: pointer; }
fanfare-portal { margin-top: 1rem; }
`;

export function signIn(users: readonly User[]): string {
	const choices = users.map(
		({ name, company, customerId }) =>
			`<form method="post" action="/sign-in?as=${customerId}"><p><button>Sign in as ${name} of ${company}</button></p></form>`,
	);
	return page("<header><strong>Foodie</strong></header>", `<h1>Sign in</h1>${choices.join("")}`);
}

/** `hooks` is where the endpoints to try are, `orders` how many orders there were. */
export function home(user: User, hooks: string, orders: number): string {
	return page(
		header(user),
		`<h1>${user.company}</h1>
		<form method="post" action="/orders"><button>Place an order</button></form>
		<p>Orders so far: ${orders}. Each is an event for the customer that is signed in.</p>
		<p>Endpoints to try in the portal: <code>${hooks}/works</code> and <code>${hooks}/broken</code>, which answers 500.</p>`,
	);
}

/** `fanfareUrl` is where the portal is. */
export function webhooks(user: User, fanfareUrl: string): string {
	return page(
		header(user),
		`<h1>Webhooks</h1>
		<fanfare-portal src="${fanfareUrl}" accent="#b4430f" radius="10" background="#fffaf5" scheme="light"></fanfare-portal>
		<script type="module" src="/webhooks.js"></script>`,
	);
}

function header({ name, company }: User): string {
	return `<header><strong>Foodie</strong> <a href="/">Home</a> <a href="/webhooks">Webhooks</a> <a href="/portal">Webhooks on a page of their own</a>
		<form method="post" action="/sign-out"><button>Sign ${name} of ${company} out</button></form></header>`;
}

function page(header: string, main: string): string {
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
		<title>Foodie</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head><body>${header}<main>${main}</main></body></html>`;
}
