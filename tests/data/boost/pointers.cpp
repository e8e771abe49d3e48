// Pointers of all kinds, classes without members, lists of lists. Usage: pointers [cycle] > FILE
#include <array>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>
struct Empty { template <class A> void serialize(A&, const unsigned) {} };
struct Base {
    virtual ~Base() {}
    int b = 1;
    template <class A> void serialize(A& ar, const unsigned) { ar & BOOST_SERIALIZATION_NVP(b); }
};
struct Derived : Base {
    double d = -0.0;
    std::shared_ptr<Derived> next;
    template <class A> void serialize(A& ar, const unsigned) {
        ar & BOOST_SERIALIZATION_BASE_OBJECT_NVP(Base) & BOOST_SERIALIZATION_NVP(d) & BOOST_SERIALIZATION_NVP(next);
    }
};
BOOST_CLASS_EXPORT(Derived)
#define SAVE(name) ar << BOOST_SERIALIZATION_NVP(name)
int main(int argc, char**) {
    boost::archive::xml_oarchive ar(std::cout);
    if (argc > 1) {
        const auto cycle = std::make_shared<Derived>(); cycle->next = cycle;
        SAVE(cycle); cycle->next.reset(); return 0;
    }
    const Empty empty; SAVE(empty);
    const std::unique_ptr<Derived> unique(new Derived); SAVE(unique);
    const auto chain = std::make_shared<Derived>(); chain->next = std::make_shared<Derived>(); SAVE(chain);
    const std::shared_ptr<Base> exported = chain; SAVE(exported);
    Derived* const raw = new Derived; SAVE(raw);
    Derived* const again = raw; SAVE(again);
    Derived* const null = nullptr; SAVE(null);
    const std::vector<std::shared_ptr<Derived>> many{chain, nullptr}; SAVE(many);
    const std::vector<bool> flags{true, false}, no_flags; SAVE(flags); SAVE(no_flags);
    const std::pair<int, double> pair(1, 2.5); SAVE(pair);
    const std::vector<std::pair<std::string, int>> named{{"a", 1}}; SAVE(named);
    const std::vector<std::pair<double, double>> points{{1, 2}, {3, 4}}; SAVE(points);
    const std::map<std::string, std::vector<double>> lists{{"", {}}, {"12", {1}}, {"b", {1, 2}}}; SAVE(lists);
    const std::map<int, std::map<std::string, int>> maps{{1, {{"x", 2}}}}; SAVE(maps);
    const std::multimap<std::string, int> doubles{{"x", 2}, {"x", 3}}; SAVE(doubles);
    const double matrix[2][2] = {{1, 2}, {3, 4}}; SAVE(matrix);
    const std::array<std::array<int, 2>, 2> arrays{{{1, 2}, {3, 4}}}; SAVE(arrays);
    const std::string blanks = "\n  ", breaks = "a\r\nb\rc\td"; SAVE(blanks); SAVE(breaks);
    delete raw;
}
