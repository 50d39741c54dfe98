# Puts whoever runs it at the streams of a detached container: those of its monitor's socket, which speaks in whole messages (SOCK_SEQPACKET), as
# Node cannot. What it says comes out as output and errors, what is typed goes in.
#
#   attach.pl DIR TERMINAL INPUT KEYS
#
# DIR is where the monitor's sockets are. TERMINAL 1: the container has a terminal, so ours is raw, and its size is ours. INPUT 0: nothing goes in.
# KEYS in hexadecimal leave it, when they are typed one after the other. Exit code: 0 left, 3 it has ended, 1 it cannot be done.
use strict;
use warnings;
use POSIX ();

use constant { AF_UNIX => 1, SOCK_SEQPACKET => 5, TIOCGWINSZ => 0x5413, O_WRONLY_NONBLOCK => 04001, SAYS_ERROR => 3, LEFT => 0, ENDED => 3 };

my ($dir, $terminal, $input, $keys) = @ARGV;
$keys = pack 'H*', $keys;
chdir $dir or fail("there is no monitor: $!");    # a socket's address is short
socket my $monitor, AF_UNIX, SOCK_SEQPACKET, 0 or fail("socket: $!");
connect $monitor, pack 'S a108', AF_UNIX, 'attach' or fail("its monitor does not answer: $!");

# Its signals come from whoever started us.
$SIG{$_} = 'IGNORE' for $terminal ? ('PIPE') : qw(PIPE INT QUIT TERM HUP USR1 USR2);
my $before = $terminal ? raw() : undef;
if ($terminal) {
  $SIG{WINCH} = \&tell_size;
  tell_size();
}
my $typed = '';    # keys that may be the beginning of those that leave
exit_with(attach());

sub attach {
  my $reads = $input;
  while (1) {
    my $bits = '';
    vec($bits, fileno $monitor, 1) = 1;
    vec($bits, 0, 1) = 1 if $reads;
    next if select(my $ready = $bits, undef, undef, undef) < 0;    # a signal
    if (vec $ready, fileno $monitor, 1) {
      my $read = sysread $monitor, my $message, 65536;
      return ENDED if !$read;
      put(ord($message) == SAYS_ERROR ? 2 : 1, substr $message, 1);
    }
    if ($reads && vec $ready, 0, 1) {
      my $read = sysread STDIN, my $text, 8192;
      if (!$read) {
        $reads = 0;
        shutdown $monitor, 1;
      } elsif (!pass_on($text)) {
        return LEFT;
      }
    }
  }
}

# False where whoever types wants to leave.
sub pass_on {
  my ($text) = @_;
  return send_all($text) if !$terminal || $keys eq '';
  my $on = '';
  for my $key (split //, $text) {
    $typed .= $key;
    return send_all($on) && 0 if $typed eq $keys;
    while ($typed ne substr $keys, 0, length $typed) { $on .= substr $typed, 0, 1, '' }
  }
  return send_all($on);
}

sub send_all {
  my ($text) = @_;
  syswrite $monitor, $text if $text ne '';
  return 1;
}

sub put {
  my ($to, $text) = @_;
  while ($text ne '') {
    my $written = POSIX::write($to, $text, length $text) or return;
    substr $text, 0, $written, '';
  }
}

sub tell_size {
  my $size = pack 'S4';
  return if !ioctl STDIN, TIOCGWINSZ, $size;
  my ($rows, $columns) = unpack 'S4', $size;
  sysopen my $control, 'ctl', O_WRONLY_NONBLOCK or return;
  syswrite $control, "1 $rows $columns\n";
}

# Every key is the container's.
sub raw {
  my $was = POSIX::Termios->new;
  defined $was->getattr(0) or fail('there is no terminal');
  my $now = POSIX::Termios->new;
  $now->getattr(0);
  $now->setiflag($now->getiflag & ~(POSIX::BRKINT | POSIX::ICRNL | POSIX::INLCR | POSIX::IGNCR | POSIX::INPCK | POSIX::ISTRIP | POSIX::IXON));
  $now->setoflag($now->getoflag & ~POSIX::OPOST);
  $now->setlflag($now->getlflag & ~(POSIX::ECHO | POSIX::ICANON | POSIX::IEXTEN | POSIX::ISIG));
  $now->setcc(POSIX::VMIN, 1);
  $now->setcc(POSIX::VTIME, 0);
  $now->setattr(0, POSIX::TCSANOW);
  return $was;
}

sub exit_with {
  my ($code) = @_;
  $before->setattr(0, POSIX::TCSANOW) if defined $before;
  exit $code;
}

sub fail {
  print STDERR "$_[0]\n";
  exit 1;
}
