// Puts the portal together: session, look, language and router.
import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";

import type { HostFrame } from "./frame/host-frame.ts";
import { createPortalRouter } from "./router.tsx";
import { EndedScreen } from "./screens/ended/ended.tsx";
import { projectOf, type PortalSession } from "./session/portal-session.ts";
import { OpenSessionProvider, useSessionState } from "./session/use-session.ts";
import { formatsFor } from "./texts/formats.ts";
import { ReaderProvider } from "./texts/reader.tsx";
import { useLanguage, useLook, type Wishes } from "./use-wishes.ts";

interface AppProps {
	/** The address of `/portal/`. */
	readonly home: URL;
	readonly session: PortalSession;
	readonly queryClient: QueryClient;
	/** The page around the portal, if it speaks with the portal. */
	readonly host: HostFrame | null;
	/** Whether there is a page around, also one that does not speak. */
	readonly isFramed: boolean;
}

export function App({ home, session, queryClient, host, isFramed }: AppProps) {
	const state = useSessionState(session);
	const [wishes, setWishes] = useState<Wishes>({});
	useEffect(
		() =>
			host?.listen((message) => {
				if (message.kind === "theme") return setWishes((before) => ({ ...before, theme: message.theme }));
				const { theme, locale, timeZone, token } = message;
				setWishes({ theme, locale, timeZone });
				session.begin(token);
			}),
		[host, session],
	);
	const portalSession = state.kind === "open" ? state.caller.portalSession : null;
	const language = useLanguage(portalSession, wishes);
	useLook(portalSession, wishes);
	const reader = useMemo(
		() => (language === null ? null : { texts: language.texts, formats: formatsFor(language.locale, wishes.timeZone) }),
		[language, wishes.timeZone],
	);
	const router = useMemo(() => createPortalRouter(home.pathname), [home]);
	const open = useMemo(
		() =>
			state.kind === "open" ? { ...state, project: projectOf(state), isRenewing: state.renewing, isFramed } : null,
		[state, isFramed],
	);
	// Nothing is shown in one language and then in another.
	if (reader === null) return null;
	if (open === null) {
		return (
			<ReaderProvider value={reader}>
				<EndedScreen
					kind={state.kind === "open" ? "opening" : state.kind}
					isFramed={isFramed}
					returnUrl={session.returnUrl}
					onAgain={() => void session.open()}
				/>
			</ReaderProvider>
		);
	}
	return (
		<ReaderProvider value={reader}>
			<QueryClientProvider client={queryClient}>
				{/* Another customer sees nothing of the one before, not even a secret that was shown once. */}
				<OpenSessionProvider key={open.caller.customerId} value={open}>
					<RouterProvider router={router} />
				</OpenSessionProvider>
			</QueryClientProvider>
		</ReaderProvider>
	);
}
