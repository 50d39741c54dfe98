/** The part of page-rules.js that is no more than rules. */
interface Answer {
  readonly status: number;
  readonly cacheControl: string;
  readonly vary: string;
  readonly setCookie: boolean;
  /** Made for one of two devices. */
  readonly byDevice: boolean;
}

declare const pages: {
  keptQuery(args: string): string | undefined;
  keepSeconds(answer: Answer, ttl: number): number;
};
export default pages;
