/** Text that a tenant wrote and a terminal is to show: no escape sequence gets through, and nothing looks like a line of ours. */

/** Tabs and ends of lines stay. */
export function printableLines(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return text.replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/gu, '\uFFFD');
}

/** All of it on one line. */
export function printable(text: string): string {
  return printableLines(text).replaceAll(/[\t\n]+/gu, ' ');
}
