// Where one can be in the dashboard, for specs that go everywhere.
import { Locator } from "@playwright/test";
import { ALICE_KEY, Dashboard } from "./dashboard";

export interface Place {
  name: string;
  path: string;
  /** Exists only once the tutorial's objects do. */
  needsTutorial?: boolean;
  /** Words that its main part holds after the tutorial, even without JavaScript. */
  shows?: string[];
}

export const everyPage: Place[] = [
  { name: "overview", path: "/" },
  { name: "secret providers", path: "/secret-providers", shows: ["my-vault"] },
  { name: "secret provider", path: "/secret-providers/my-vault", needsTutorial: true, shows: ["secret/api7"] },
  { name: "consumers", path: "/consumers", shows: ["Alice"] },
  { name: "consumer", path: "/consumers/Alice", needsTutorial: true, shows: ["primary-key", ALICE_KEY] },
  { name: "services", path: "/services", shows: ["httpbin"] },
  { name: "service", path: "/services/httpbin", needsTutorial: true, shows: ["httpbin"] },
  { name: "gateway instances", path: "/gateway-instances" },
];

export interface DialogPlace {
  name: string;
  /** The page it opens over. */
  page: string;
  open(dashboard: Dashboard): Promise<Locator>;
}

const byButton = (page: string, button: string): DialogPlace => ({
  name: button,
  page,
  open: (dashboard) => dashboard.dialog(button),
});

export const everyDialog: DialogPlace[] = [
  byButton("/secret-providers", "Add Secret Provider"),
  byButton("/consumers", "Add Consumer"),
  byButton("/consumers/Alice", "Add Key Authentication Credential"),
  byButton("/services", "Add Service"),
  byButton("/services/httpbin", "Add Route"),
  byButton("/services/httpbin", "Enable Plugin"),
];
