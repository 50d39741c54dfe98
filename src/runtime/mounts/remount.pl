# Puts directories of the host into the mount namespace of a container that runs, in the place of those it was made with.
#
# Node has no system calls. This program is told on standard input what to do, a line a job, and answers each on standard output:
#
#   N probe DIR                                                     can DIR be mounted with other ids?
#   N mount PID START FROM TO SIZE (SOURCE DESTINATION FLAGS MAPPED)…
#
#   N ok        N error TEXT
#
# Fields are percent-encoded. PID is the container's first process and START when that began (field 22 of /proc/PID/stat). FLAGS are
# MOUNT_ATTR_*; where MAPPED is 1, ids FROM…FROM+SIZE-1 on disk appear as TO…TO+SIZE-1. It ends when its input does.
use strict;
use warnings;

$| = 1;
my $arm = ($ENV{SUBAKO_ARCH} // '') eq 'arm64';
my %NR = (
  open_tree => 428, move_mount => 429, openat2 => 437, mount_setattr => 442,
  setns => $arm ? 268 : 308, unshare => $arm ? 97 : 272, umount2 => $arm ? 39 : 166, prctl => $arm ? 167 : 157,
  exit_group => $arm ? 94 : 231,
);
use constant {
  AT_FDCWD => -100, AT_SYMLINK_NOFOLLOW => 0x100, AT_EMPTY_PATH => 0x1000, O_CLOEXEC => 0x80000, O_PATH => 0x280000,
  OPEN_TREE_CLONE => 1, MOVE_EMPTY_PATHS => 0x44, MNT_DETACH => 2, UMOUNT_NOFOLLOW => 8, EINVAL => 22,
  RESOLVE_NO_LINKS => 0x06, MOUNT_ATTR_IDMAP => 0x100000, MS_PRIVATE => 0x40000,
  CLONE_NEWNS => 0x20000, CLONE_NEWUSER => 0x10000000, PR_SET_PDEATHSIG => 1, SIGKILL => 9,
};

# A process in a user namespace whose ids are still to be written: made before it is needed.
my $ready;
my $self = $$;
eval { keep_ready() };
while (defined(my $line = <STDIN>)) {
  chomp $line;
  my ($number, $what, @fields) = map { s/%([0-9A-Fa-f]{2})/chr hex $1/ger } split / /, $line;
  my $done = eval { $what eq 'probe' ? probe(@fields) : mount_all(@fields); 1 };
  print $number, ' ', $done ? 'ok' : 'error ' . encoded($@), "\n";
  eval { keep_ready() };    # the next job that needs it tries again, and tells
}

sub probe {
  my ($dir) = @_;
  detached($dir, 0, user_namespace(1, 2, 1));
}

sub mount_all {
  my ($pid, $start, $from, $to, $size, @mounts) = @_;
  open my $space, '<', "/proc/$pid/ns/mnt" or die "its mount namespace: $!\n";
  # Only now: what was opened belongs to whoever is this process after it was opened, too.
  die "it is gone\n" if started($pid) ne $start;
  my ($ids, @trees);
  while (my ($source, $destination, $flags, $mapped) = splice @mounts, 0, 4) {
    $ids //= user_namespace($from, $to, $size) if $mapped;
    push @trees, [detached($source, $flags, $mapped ? $ids : undef), $destination];
  }
  # A process of its own: whatever happens in there, this one stays where it is.
  pipe my $answer, my $told or die "pipe: $!\n";
  my $child = fork // die "fork: $!\n";
  if ($child == 0) {
    eval { enter($space); put_all(@trees); 1 } or syswrite $told, $@;
    exit_now();
  }
  close $told;
  my $said = do { local $/; <$answer> };
  waitpid $child, 0;
  die $said if $said ne '';
  die "it ended by itself ($?)\n" if $? != 0;
}

sub enter {
  my ($space) = @_;
  call('setns', fileno $space, CLONE_NEWNS);
}

# Those it was made with are taken away first, the innermost before what they lie in.
sub put_all {
  my @trees = @_;
  for my $tree (reverse @trees) {
    my $at = "$tree->[1]";
    my $left = syscall $NR{umount2}, $at, MNT_DETACH | UMOUNT_NOFOLLOW;
    die "unmounting $at: $!\n" if $left != 0 && $! != EINVAL;
  }
  for my $tree (@trees) {
    my ($mount, $at) = ($tree->[0], "$tree->[1]");
    my $how = pack 'QQQ', O_PATH, 0, RESOLVE_NO_LINKS;
    my $target = handle(call('openat2', AT_FDCWD, $at, $how, length $how));
    my ($none, $nothing) = ("", "");
    call('move_mount', fileno $mount, $none, fileno $target, $nothing, MOVE_EMPTY_PATHS);
  }
}

# The directory as a mount of its own that lies nowhere yet.
sub detached {
  my ($source, $flags, $ids) = @_;
  my $path = "$source";
  my $tree = handle(call('open_tree', AT_FDCWD, $path, OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW | O_CLOEXEC));
  my $set = pack 'QQQQ', $flags | ($ids ? MOUNT_ATTR_IDMAP : 0), 0, MS_PRIVATE, $ids ? fileno $ids : 0;
  my $none = "";
  call('mount_setattr', fileno $tree, $none, AT_EMPTY_PATH, $set, length $set);
  return $tree;
}

# In it, ids of the disk are the names of ids that the container has.
sub user_namespace {
  my ($from, $to, $size) = @_;
  keep_ready();
  my ($pid, $hold) = @{$ready};
  undef $ready;
  my $made = eval {
    for my $map ('uid_map', 'gid_map') {
      open my $file, '>', "/proc/$pid/$map" or die "$map: $!\n";
      syswrite $file, "$from $to $size\n" or die "$map: $!\n";
      close $file or die "$map: $!\n";
    }
    open my $space, '<', "/proc/$pid/ns/user" or die "its user namespace: $!\n";
    $space;
  };
  my $why = $@;
  kill 'KILL', $pid;
  waitpid $pid, 0;
  return $made // die $why;
}

sub keep_ready {
  return if $ready;
  pipe my $answer, my $told or die "pipe: $!\n";
  my $child = fork // die "fork: $!\n";
  if ($child == 0) {
    my $made = syscall($NR{unshare}, CLONE_NEWUSER) == 0;
    syscall $NR{prctl}, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0;
    syswrite $told, $made ? 'ok' : "a user namespace: $!";
    close STDIN;
    close STDOUT;
    # It may have missed the end of the one who made it.
    sleep 1 while $made && getppid() == $self;
    exit_now();
  }
  close $told;
  my $said = do { local $/ = \2; <$answer> } // '';
  $ready = [$child];
  return if $said eq 'ok';
  $said .= do { local $/; <$answer> } // '';
  waitpid $child, 0;
  undef $ready;
  die "$said\n";
}

sub started {
  my ($pid) = @_;
  open my $file, '<', "/proc/$pid/stat" or return '';
  my $stat = <$file> // '';
  return (split / /, $stat =~ s/.*\) //sr)[19] // '';
}

sub call {
  my ($name, @arguments) = @_;
  my $result = syscall $NR{$name}, @arguments;
  die "$name: $!\n" if $result < 0;
  return $result;
}

sub handle {
  my ($fd) = @_;
  open my $handle, '<&=', $fd or die "descriptor $fd: $!\n";
  return $handle;
}

# At once: what perl does at an end is another process's to do.
sub exit_now {
  syscall $NR{exit_group}, 0;
}

sub encoded {
  my ($text) = @_;
  chomp $text;
  return $text =~ s/([^A-Za-z0-9_.:\/-])/sprintf '%%%02X', ord $1/ger;
}
