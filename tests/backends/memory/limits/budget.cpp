#include <troupe/backends/memory/limits/budget.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "catch.hpp"

using troupe::memory::allowance;
using troupe::memory::budget;
using troupe::memory::yielding;

TEST_CASE("a budget never lends more than it has, nor than its parent has",
          "[budget]") {
  auto all = std::make_shared<budget>(100);
  budget part{80, all};
  budget other{80, all};
  CHECK(part.lend(70));
  CHECK(!part.lend(11));
  CHECK(!other.lend(31));
  CHECK(other.lend(30));
  CHECK(all->lent() == 100);
  CHECK(part.tightest() == 80);
  part.take_back(70);
  CHECK(all->lent() == 30);
  all->set_limit(15);
  CHECK(all->part_of(30) == 0.5);
  CHECK(all->part_of(15) == 1.0);
  CHECK(other.tightest() == 15);
}

TEST_CASE(
  "an allowance borrows in pieces, and the last of a budget by the byte",
  "[budget]") {
  auto all = std::make_shared<budget>(1'000);
  allowance uut{all, 1, 1'000};
  CHECK(uut.piece() == 31);
  CHECK(uut.cover(1));
  CHECK(uut.granted() == 31);
  CHECK(uut.cover(31));
  CHECK(uut.granted() == 31);
  CHECK(uut.cover(990));
  CHECK(uut.cover(1'000));
  CHECK(!uut.cover(1'001));
  CHECK(uut.granted() == 1'000);
  uut.return_spare(100);
  CHECK(uut.granted() == 131);
  CHECK(all->lent() == 131);
}

TEST_CASE("an allowance knows which limit refused it", "[budget]") {
  auto all = std::make_shared<budget>(1'000);
  auto part = std::make_shared<budget>(600, all);
  allowance narrow{part, 1, 10};
  allowance wide{all, 1, 10};
  CHECK(narrow.refused_by(0) == nullptr);
  CHECK(narrow.cover(600));
  CHECK(narrow.refused_by(600) == nullptr);
  // Both are exhausted: the narrower one counts.
  CHECK(wide.cover(400));
  CHECK(!narrow.cover(601));
  CHECK(narrow.refused_by(600) == part.get());
  CHECK(!wide.cover(401));
  CHECK(wide.refused_by(400) == all.get());
  narrow.keep(500);
  CHECK(narrow.refused_by(500) == nullptr);
  CHECK(wide.cover(500));
  CHECK(wide.refused_by(500) == nullptr);
  CHECK(!narrow.cover(501));
  CHECK(narrow.refused_by(500) == all.get());
  // What is in debt asks anew.
  CHECK(narrow.refused_by(501) == all.get());
  wide.keep(400);
  CHECK(narrow.refused_by(501) == nullptr);
  CHECK(narrow.refused_by(601) == part.get());
}

TEST_CASE(
  "what is overdrawn is collected, from those of the narrower limit first",
  "[budget]") {
  struct lender final : troupe::memory::capacity_source {
    lender(std::vector<const budget*>& x, std::shared_ptr<budget> from)
      : asked(x), gives(std::move(from), 1, 1) {
      // nop
    }

    void collect(const budget& from, std::size_t n, yielding,
                 const troupe::memory::table*) noexcept override {
      asked.push_back(&from);
      amount = n;
      gives.keep(gives.granted() - std::min(gives.granted(), n));
    }

    std::vector<const budget*>& asked;
    std::size_t amount = 0;
    allowance gives;
  };
  std::vector<const budget*> asked;
  auto all = std::make_shared<budget>(1'000, nullptr, "all");
  auto part = std::make_shared<budget>(600, all, "part");
  CHECK(&part->narrowest() == part.get());
  {
    lender of_all{asked, all};
    lender of_part{asked, part};
    // Not theirs: they live as long as the test lets them.
    all->collect_from({std::shared_ptr<void>{}, &of_all});
    part->collect_from({std::shared_ptr<void>{}, &of_part});
    allowance uut{part, 1, 1};
    CHECK(of_all.gives.cover(500));
    CHECK(of_part.gives.cover(300));
    CHECK(uut.cover(200));
    CHECK(!uut.cover(350));
    CHECK(uut.lack(350) == 150);
    uut.overdraw(350);
    CHECK(uut.granted() == 350);
    CHECK(part->overdrawn() == 50);
    CHECK(part->most_overdrawn() == 150);
    // The narrower one by 50, which is as much less above it.
    part->collect(150, 0, yielding::all, nullptr);
    CHECK(asked == std::vector<const budget*>{part.get(), all.get()});
    CHECK(of_part.amount == 50);
    CHECK(of_all.amount == 100);
    CHECK(part->overdrawn() == 0);
    CHECK(all->overdrawn() == 0);
    // As long as the narrower one is overdrawn, nobody else is asked.
    CHECK(of_part.gives.granted() == 250);
    of_part.gives.keep(0);
    uut.overdraw(1'000);
    asked.clear();
    part->collect(650, 0, yielding::all, nullptr);
    CHECK(asked == std::vector<const budget*>{part.get()});
    uut.give_up(700);
    CHECK(part->lent() == 300);
    CHECK(all->lent() == 700);
  }
  CHECK(part->lent() == 0);
  CHECK(all->lent() == 0);
}

TEST_CASE("what many threads borrow and return adds up", "[budget]") {
  auto all = std::make_shared<budget>(10'000);
  auto part = std::make_shared<budget>(9'000, all);
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      allowance mine{part, 4, 1'000};
      std::minstd_rand random{t + 1};
      for (int i = 0; i < 20'000; ++i) {
        auto used = random() % 4'000;
        if (mine.cover(used) && mine.granted() < used)
          exceeded = true;
        if (part->lent() > 9'000)
          exceeded = true;
        if (random() % 3 == 0)
          mine.keep(random() % 2'000);
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(!exceeded);
  CHECK(part->lent() == 0);
  CHECK(all->lent() == 0);
}
