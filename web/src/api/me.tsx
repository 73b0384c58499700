/** Who is logged in, and what they may do: screens show only what the service would allow. */
import { useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";

import { api, data, type Schemas } from "./client";

export type Me = Schemas["Me"];
export type Action = Schemas["Reach"]["action"];

export const MeContext = createContext<Me | null>(null);

export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === null) throw new Error("only inside the logged-in part");
  return me;
}

/** Whether a right reaches anywhere. */
export function useMay(): (action: Action) => boolean {
  const me = useMe();
  return (action) => me.rights.some((reach) => reach.action === action);
}

export const useWhoAmI = () =>
  useQuery({ queryKey: ["me"], queryFn: () => data(api.GET("/api/v1/me")), retry: false, staleTime: 60_000 });
