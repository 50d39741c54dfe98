#!/usr/bin/perl
# First process of a container with two programs: PHP-FPM, and before it a web server. Neither is of use without the other: when one ends, so
# does the container. What both say goes to the container's log, which they have from here.
# usage: serve.pl nginx SOCKET ROOT | serve.pl apache PORT ROOT
use strict;
use warnings;
use POSIX ':sys_wait_h';

my ($web, $at, $root) = @ARGV;
my $FPM_SOCKET = '/tmp/fpm.sock';
my $FPM_WITHIN = 20;
my $LOOK_EVERY = 0.002;

# Where PHP keeps sessions.
mkdir '/data/.sessions', 0700;
my $fpm = started('/usr/sbin/php-fpm8.4', '-c', '/etc/subako/php.ini', '--nodaemonize', '--fpm-config', '/etc/subako/fpm.conf');
# Whoever asks the web server finds PHP behind it.
for (my $waited = 0; !-S $FPM_SOCKET; $waited += $LOOK_EVERY) {
  die "PHP-FPM does not listen\n" if $waited > $FPM_WITHIN || waitpid($fpm, WNOHANG) != 0;
  select undef, undef, undef, $LOOK_EVERY;
}
my ($server, $gently) = $web eq 'apache' ? (apache(), 'WINCH') : (nginx(), 'QUIT');

# Asked to end: requests under way are finished, and PHP is there for them until then.
$SIG{TERM} = $SIG{INT} = $SIG{QUIT} = sub { kill $gently => $server };

my $ended;
do { $ended = waitpid -1, 0 } while ($ended != $fpm && $ended != $server && ($ended > 0 || $!{EINTR}));
my $status = $?;
$SIG{TERM} = $SIG{INT} = $SIG{QUIT} = 'IGNORE';
my ($other, $signal) = $ended == $fpm ? ($server, 'TERM') : ($fpm, 'QUIT');
kill $signal => $other;
waitpid $other, 0;
# What a program that was killed left running ends with this one.
exit($status == 0 ? 0 : 1);

sub nginx {
  open my $file, '>', '/tmp/site.conf' or die "/tmp/site.conf: $!\n";
  print $file "listen unix:$at backlog=511;\nroot $root;\n";
  close $file or die "/tmp/site.conf: $!\n";
  return started('/usr/sbin/nginx', '-e', 'stderr', '-c', '/etc/subako/nginx.conf');
}

sub apache {
  return started('/usr/sbin/apache2', '-DFOREGROUND', '-C', "Define AT $at", '-C', "Define ROOT $root", '-f', '/etc/subako/apache.conf');
}

sub started {
  my @argv = @_;
  my $pid = fork // die "fork: $!\n";
  return $pid if $pid != 0;
  $SIG{$_} = 'DEFAULT' for qw(TERM INT QUIT);
  exec { $argv[0] } @argv or die "$argv[0]: $!\n";
}
