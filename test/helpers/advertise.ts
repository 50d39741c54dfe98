/** What a router tells the machines of its link: that it is the way out. */
import { exec } from '../../src/lib/exec.ts';

const ROUTER_ADVERTISEMENT = `use Socket qw(:all); my ($from, $index) = @ARGV;
  socket(my $s, AF_INET6, SOCK_RAW, 58) or die; setsockopt($s, 41, 18, pack("i", 255)) or die; # as far as routers may be away: not at all
  bind($s, pack_sockaddr_in6(0, inet_pton(AF_INET6, $from), $index)) or die;
  send($s, pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0), 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, "ff02::1"), $index)) or die`;

/** @param inside what a command line there begins with @param from an address that the device has */
export async function advertise(inside: readonly string[], device: string, from = 'fe80::1'): Promise<void> {
  const { stdout } = await exec([...inside, 'ip', '-oneline', 'link', 'show', device]);
  await exec([...inside, 'perl', '-e', ROUTER_ADVERTISEMENT, from, /^(\d+):/u.exec(stdout)?.[1] ?? '']);
}
